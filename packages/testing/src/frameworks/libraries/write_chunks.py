"""Stores chunks in PostgreSQL with a framework's own library, or removes them.

    python write_chunks.py <postgresql://...> <framework> write|remove < chunks.json

Prints, for each chunk, the text that the framework gave to its model, as one JSON list. The model is the tests' double:
its vectors are computed from the text's hash.
"""

import hashlib
import json
import math
import sys
import uuid

DIMENSIONS = 312
seen = {}


def embed(text):
    words = " ".join(text.split())
    vector = []
    for start in range(0, DIMENSIONS, 256):
        digest = hashlib.sha256(f"{start}:{words}".encode()).digest()
        for place in range(min(256, DIMENSIONS - start)):
            bit = digest[place >> 3] >> (place & 7) & 1
            vector.append((1 if bit else -1) / math.sqrt(DIMENSIONS))
    seen[words] = text
    return vector


def id_of(chunk):
    return str(uuid.UUID(int=(0x4000 << 64) + (0x8000 << 48) + chunk["number"]))


def langchain_documents(chunks):
    from langchain_core.documents import Document

    return [
        Document(
            id=id_of(chunk),
            page_content=chunk["text"],
            metadata={"source": chunk["document"], "start_index": chunk["position"]},
        )
        for chunk in chunks
    ]


def langchain_embeddings():
    from langchain_core.embeddings import Embeddings

    class Hashes(Embeddings):
        def embed_documents(self, texts):
            return [embed(text) for text in texts]

        def embed_query(self, text):
            return embed(text)

    return Hashes()


def langchain(url, chunks, remove):
    from langchain_postgres import PGVector

    store = PGVector(langchain_embeddings(), collection_name="docs", connection=with_driver(url, "psycopg"))
    if remove:
        store.delete(ids=[id_of(chunk) for chunk in chunks])
    else:
        store.add_documents(langchain_documents(chunks))


def langchain_v2(url, chunks, remove):
    from langchain_postgres import PGEngine, PGVectorStore

    engine = PGEngine.from_connection_string(url=with_driver(url, "asyncpg"))
    try:
        engine.init_vectorstore_table(table_name="handbook", vector_size=DIMENSIONS)
    except Exception as error:
        if "already exists" not in str(error):
            raise
    store = PGVectorStore.create_sync(engine, langchain_embeddings(), "handbook")
    if remove:
        store.delete(ids=[id_of(chunk) for chunk in chunks])
    else:
        store.add_documents(langchain_documents(chunks), ids=[id_of(chunk) for chunk in chunks])


def llamaindex(url, chunks, remove):
    from llama_index.core.schema import MetadataMode, NodeRelationship, RelatedNodeInfo, TextNode
    from llama_index.vector_stores.postgres import PGVectorStore

    store = PGVectorStore.from_params(
        connection_string=with_driver(url, "psycopg2"),
        async_connection_string=with_driver(url, "asyncpg"),
        table_name="handbook",
        embed_dim=DIMENSIONS,
    )
    store.delete_nodes(node_ids=[id_of(chunk) for chunk in chunks])
    nodes = [
        TextNode(
            id_=id_of(chunk),
            text=chunk["text"],
            metadata={
                "file_path": f"/data/{chunk['document']}",
                "file_name": chunk["document"],
                "draft": False,
                "author": None,
                "pages": 12,
            },
            excluded_embed_metadata_keys=["file_name"],
            start_char_idx=chunk["position"],
            relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=chunk["document"])},
        )
        for chunk in chunks
    ]
    for node in nodes:
        node.embedding = embed(node.get_content(metadata_mode=MetadataMode.EMBED))
    if not remove:
        store.add(nodes)


def haystack(url, chunks, remove):
    from haystack import Document
    from haystack.document_stores.types import DuplicatePolicy
    from haystack.utils import Secret
    from haystack_integrations.document_stores.pgvector import PgvectorDocumentStore

    store = PgvectorDocumentStore(
        connection_string=Secret.from_token(url), table_name="haystack_documents", embedding_dimension=DIMENSIONS
    )
    if remove:
        store.delete_documents([id_of(chunk) for chunk in chunks])
        return
    store.write_documents(
        [
            Document(
                id=id_of(chunk),
                content=chunk["text"],
                meta={"source_id": chunk["document"], "split_id": chunk["position"]},
                embedding=embed(chunk["text"]),
            )
            for chunk in chunks
        ],
        policy=DuplicatePolicy.OVERWRITE,
    )


def with_driver(url, driver):
    scheme, rest = url.split("://", 1)
    return f"postgresql+{driver}://{rest}"


writers = {"langchain": langchain, "langchain-v2": langchain_v2, "llamaindex": llamaindex, "haystack": haystack}

if __name__ == "__main__":
    _, url, framework, action = sys.argv
    writers[framework](url, json.load(sys.stdin), action == "remove")
    print(json.dumps(sorted(seen.values())))
