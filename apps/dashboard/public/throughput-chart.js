import uPlot from "./uplot.js";

const height = 180;

/**
 * <throughput-chart data-series="[[seconds],[chunks/s],[tokens/s]]">: bars of chunks and a line of tokens. It draws in its
 * shadow root, which morphing the page does not touch, and redraws when its data, its width or the colour scheme change.
 */
class ThroughputChart extends HTMLElement {
  static observedAttributes = ["data-series"];
  #chart;
  #frame = document.createElement("div");
  #resizes = new ResizeObserver(() => this.#chart?.setSize({ width: this.clientWidth, height }));
  #scheme = matchMedia("(prefers-color-scheme: dark)");
  #redraw = () => this.#draw();

  connectedCallback() {
    const styles = Object.assign(document.createElement("link"), {
      rel: "stylesheet",
      href: import.meta.resolve("./uplot.css"),
    });
    this.attachShadow({ mode: "open" }).append(styles, this.#frame);
    this.#draw();
    this.#resizes.observe(this);
    this.#scheme.addEventListener("change", this.#redraw);
  }

  disconnectedCallback() {
    this.#resizes.disconnect();
    this.#scheme.removeEventListener("change", this.#redraw);
    this.#chart?.destroy();
  }

  attributeChangedCallback() {
    this.#chart?.setData(this.#series());
  }

  #series() {
    return JSON.parse(this.dataset.series);
  }

  #draw() {
    this.#chart?.destroy();
    this.#chart = new uPlot(this.#options(), this.#series(), this.#frame);
  }

  #options() {
    const style = getComputedStyle(this);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const axis = { stroke: colour("muted"), font: `12px ${style.fontFamily}`, ticks: { show: false } };
    const grid = { stroke: colour("line"), width: 1 };
    // The range starts at zero and is never empty: an idle hour is a line at the bottom.
    const range = (_, __, most) => [0, Math.max(1, most * 1.1)];
    return {
      width: this.clientWidth,
      height,
      // Half a minute at both ends makes room for half a bar.
      scales: { x: { range: (_, first, last) => [first - 30, last + 30] }, chunks: { range }, tokens: { range } },
      cursor: { points: { show: false }, drag: { x: false, y: false } },
      axes: [
        { ...axis, grid: { show: false }, values: "{HH}:{mm}", space: 60, size: 30 },
        { ...axis, grid, scale: "chunks", label: "chunks/s", labelFont: axis.font, labelSize: 18, size: 50 },
        {
          ...axis,
          grid: { show: false },
          scale: "tokens",
          label: "tokens/s",
          labelFont: axis.font,
          labelSize: 18,
          side: 1,
          size: 60,
        },
      ],
      series: [
        { value: "{HH}:{mm}" },
        {
          label: "chunks/s",
          scale: "chunks",
          fill: colour("embedded"),
          stroke: colour("embedded"),
          paths: uPlot.paths.bars({ size: [0.8, 24] }),
          points: { show: false },
        },
        { label: "tokens/s", scale: "tokens", stroke: colour("tokens"), width: 2, points: { show: false } },
      ],
    };
  }
}

customElements.define("throughput-chart", ThroughputChart);
