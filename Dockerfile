# Two images: `docker build .` builds the one for CPUs, `docker build --target cuda .` the one for NVIDIA GPUs.
# Node runs Reembed's TypeScript directly, so nothing is compiled. The image's Node 24 replaces the dev dependency `node`.

ARG NODE_IMAGE=node:24-bookworm-slim
# The CUDA that onnxruntime-node's provider is linked against, which differs between releases (PyPI's 1.30.0 is for CUDA
# 13). If it is another one, the check at the end of `cuda` fails and names the missing libraries.
ARG CUDA_IMAGE=nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04

# Copies only what npm reads, so that installed packages stay in the cache after an edit of the source.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY apps apps
COPY packages packages
RUN find apps packages -type f ! -name package.json -delete && find apps packages -type d -empty -delete

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY --from=manifests /app ./
RUN npm ci --omit=dev
# ONNX Runtime ships libraries for every platform: 245 of 290 MB are for other ones.
RUN cd node_modules/onnxruntime-node/bin/napi-v6 \
  && find . -mindepth 2 -maxdepth 2 -type d ! -path "./linux/$(node -p process.arch)" -exec rm -r {} +

# For an unknown name or platform the installer does nothing and succeeds, so check that the files exist.
FROM dependencies AS cuda-dependencies
RUN ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js \
  && test -s node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so

# What both images contain besides the packages.
FROM scratch AS source
COPY package.json /app/
COPY apps /app/apps
COPY packages /app/packages
COPY drizzle /app/drizzle
COPY models /app/models
COPY samples /app/samples

FROM ${NODE_IMAGE} AS node

FROM ${CUDA_IMAGE} AS cuda
# As process 1, Node ignores SIGTERM until it has a handler, so that a worker which is still loading its model could not
# be stopped. tini passes the signal on.
RUN apt-get update && apt-get install --yes --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=source /app /app
COPY --from=cuda-dependencies /app/node_modules /app/node_modules
# libcuda.so.1 belongs to the driver, which the host provides when the container starts.
RUN node --version \
  && ldd /app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so > /tmp/libraries \
  && ! grep 'not found' /tmp/libraries | grep -v libcuda.so.1 && rm /tmp/libraries
RUN ln -s /app/apps/cli/bin/reembed.mjs /usr/local/bin/reembed && install -d -o 1000 -g 1000 /models /data
LABEL org.opencontainers.image.title="reembed" \
  org.opencontainers.image.description="Moves a live retrieval corpus from one embedding model to another; runs on NVIDIA GPUs" \
  org.opencontainers.image.licenses="Apache-2.0"
# The stand-in models stay in /app/models; the real ones are mounted at MODELS_DIR.
ENV NODE_ENV=production MODELS_DIR=/models REEMBED_DIR=/data
WORKDIR /app
USER 1000:1000
ENTRYPOINT ["tini", "--", "node", "apps/cli/bin/reembed.mjs"]
CMD ["--help"]

FROM ${NODE_IMAGE} AS cpu
RUN apt-get update && apt-get install --yes --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
COPY --from=source /app /app
COPY --from=dependencies /app/node_modules /app/node_modules
RUN ln -s /app/apps/cli/bin/reembed.mjs /usr/local/bin/reembed && install -d -o 1000 -g 1000 /models /data
LABEL org.opencontainers.image.title="reembed" \
  org.opencontainers.image.description="Moves a live retrieval corpus from one embedding model to another; runs on CPUs" \
  org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production MODELS_DIR=/models REEMBED_DIR=/data
WORKDIR /app
USER 1000:1000
ENTRYPOINT ["tini", "--", "node", "apps/cli/bin/reembed.mjs"]
CMD ["--help"]
