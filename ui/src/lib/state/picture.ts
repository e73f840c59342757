// A comparison as a picture, drawn from its figures in the colours of the window.
import { formatBytes, formatDuration, formatNats, formatTokensPerSecond } from "../formats";
import type { ComparedToken, Comparison, ComparisonSide } from "../host/types";
import { t } from "../messages";
import { partings } from "./comparison-words";
import { levelOf, levels, titleOf } from "./divergence";

/** A piece of a line: a token, or a part of one that has line ends in it. */
export type Piece = { text: string; x: number; line: number; width: number; index: number };

const [WIDTH, MARGIN, GAP, LINE, SCALE] = [1200, 40, 32, 26, 2];

/** Puts tokens into lines that are as wide as `width`. A word that has no room begins a new line, without its space; a word
 *  may be several tokens. */
export function layOut(tokens: readonly string[], width: number, measure: (text: string) => number): Piece[] {
  const pieces: Piece[] = [];
  let [x, line] = [0, 0];
  for (const word of wordsOf(tokens)) {
    const room = word.reduce((sum, { text }) => sum + measure(text), 0);
    if (x > 0 && x + room > width) [x, line] = [0, line + 1];
    for (const { text: whole, index } of word) {
      if (whole === "\n" || (x > 0 && x + measure(whole) > width)) [x, line] = [0, line + 1];
      const text = x === 0 ? whole.trimStart() : whole;
      if (text === "") continue;
      pieces.push({ text, x, line, width: measure(text), index });
      x += measure(text);
    }
  }
  return pieces;
}

type Part = { text: string; index: number };

/** Parts of tokens that belong together. A line end is a word by itself. */
function wordsOf(tokens: readonly string[]): Part[][] {
  const words: Part[][] = [];
  tokens.forEach((token, index) => {
    for (const text of token.split(/(\n)/).filter((part) => part !== "")) {
      const last = words.at(-1);
      if (last && last[0]?.text !== "\n" && !/^\s/.test(text)) last.push({ text, index });
      else words.push([{ text, index }]);
    }
  });
  return words;
}

/** The bytes of a PNG file. */
export async function pictureOf(comparison: Comparison): Promise<Uint8Array> {
  const canvas = document.createElement("canvas");
  const brush = canvas.getContext("2d");
  if (!brush) throw new Error("this window draws no pictures");
  const pen = new Pen(brush);
  const columns = columnsOf(comparison, pen);
  const lines = Math.max(1, ...columns.map(({ pieces }) => (pieces.at(-1)?.line ?? 0) + 1));
  const head = 120 + partings(comparison).length * LINE;
  canvas.width = WIDTH * SCALE;
  canvas.height = (head + 40 + lines * LINE + 190) * SCALE;
  brush.scale(SCALE, SCALE);
  pen.fill(0, 0, WIDTH, canvas.height / SCALE, "--surface");
  drawHead(comparison, pen);
  columns.forEach((column) => drawColumn(column, pen, head, lines));
  drawLegend(pen, head + 40 + lines * LINE + 140);
  return bytesOf(canvas);
}

type Column = { side: ComparisonSide; x: number; width: number; pieces: Piece[] };

function columnsOf({ sides }: Comparison, pen: Pen): Column[] {
  const width = (WIDTH - 2 * MARGIN - (sides.length - 1) * GAP) / sides.length;
  pen.type(15);
  return sides.map((side, index) => ({
    side, width, x: MARGIN + index * (width + GAP),
    pieces: layOut(side.tokens.map((token) => token.text), width, (text) => pen.measure(text)),
  }));
}

function drawHead(comparison: Comparison, pen: Pen): void {
  pen.type(24, 600);
  pen.write(comparison.name, MARGIN, 56, "--text", WIDTH - 2 * MARGIN);
  pen.type(14);
  pen.write(comparison.sides[0]?.model ?? "", MARGIN, 84, "--text-muted");
  pen.type(16, 600);
  partings(comparison).forEach((words, index) => pen.write(words, MARGIN, 118 + index * LINE, "--text"));
}

function drawColumn({ side, x, width, pieces }: Column, pen: Pen, top: number, lines: number): void {
  pen.type(16, 600);
  pen.write(titleOf(side), x, top + 16, "--text");
  pen.type(15);
  pieces.forEach((piece) => drawPiece(piece, side.tokens[piece.index], side.first_divergence === piece.index, pen, x, top + 52));
  const figures = [
    side.decode_tokens_per_second === null ? null : formatTokensPerSecond(side.decode_tokens_per_second),
    side.memory_bytes === null ? null : `${t("compare.figures.memory")}: ${formatBytes(side.memory_bytes)}`,
    side.first_token_ms === null ? null : `${t("compare.figures.first")}: ${formatDuration(side.first_token_ms)}`,
    side.file_bytes === null ? null : `${t("compare.figures.file")}: ${formatBytes(side.file_bytes)}`,
    side.mean_divergence === null ? null : `${t("compare.figures.divergence")}: ${formatNats(side.mean_divergence)}`,
  ];
  pen.type(14);
  figures.filter((line) => line !== null).forEach((line, index) => pen.write(line, x, top + 66 + lines * LINE + index * 20, "--text-muted", width));
}

/** The shade, the line below it that says the same without colour, and the text. */
function drawPiece(piece: Piece, token: ComparedToken | undefined, parts: boolean, pen: Pen, x: number, top: number): void {
  const [left, base] = [x + piece.x, top + piece.line * LINE];
  const level = levelOf(token?.divergence ?? null) ?? 0;
  if (level > 0) {
    pen.fill(left, base - 16, piece.width, 22, `--apart-${level}`);
    pen.line(left, base + 5, piece.width, level);
  }
  if (parts) drawMark(pen, left - 2, base);
  pen.write(piece.text, left, base, "--text");
}

/** Where the answers part. */
function drawMark(pen: Pen, x: number, base: number): void {
  pen.fill(x, base - 16, 2, 22, "--bad");
  pen.fill(x - 7, base - 20, 16, 6, "--bad");
}

function drawLegend(pen: Pen, top: number): void {
  pen.type(13);
  const end = levels.slice(1).reduce((x, level) => {
    const words = t(`compare.apart.${level}`);
    pen.fill(x, top - 14, 28, 18, `--apart-${level}`);
    pen.line(x, top + 4, 28, level);
    pen.write(words, x + 36, top, "--text-muted");
    return x + 36 + pen.measure(words) + 28;
  }, MARGIN);
  drawMark(pen, end + 8, top);
  pen.write(t("compare.first_difference"), end + 26, top, "--text-muted");
}

/** What is drawn with: the colours by their roles, and the window's letters. */
class Pen {
  constructor(readonly brush: CanvasRenderingContext2D) {}

  #colour(role: string): string {
    return getComputedStyle(document.documentElement).getPropertyValue(role).trim();
  }

  type(size: number, weight = 400): void {
    this.brush.font = `${weight} ${size}px ${getComputedStyle(document.body).fontFamily}`;
  }

  measure(text: string): number {
    return this.brush.measureText(text).width;
  }

  fill(x: number, y: number, width: number, height: number, role: string): void {
    this.brush.fillStyle = this.#colour(role);
    this.brush.fillRect(x, y, width, height);
  }

  /** Dotted, dashed or solid, as below the tokens of the window. */
  line(x: number, y: number, width: number, level: number): void {
    this.brush.strokeStyle = this.#colour("--apart-line");
    this.brush.lineWidth = 2;
    this.brush.setLineDash([[], [2, 3], [6, 4], []][level] ?? []);
    this.brush.beginPath();
    this.brush.moveTo(x, y);
    this.brush.lineTo(x + width, y);
    this.brush.stroke();
  }

  write(text: string, x: number, y: number, role: string, most?: number): void {
    this.brush.fillStyle = this.#colour(role);
    this.brush.fillText(text, x, y, most);
  }
}

async function bytesOf(canvas: HTMLCanvasElement): Promise<Uint8Array> {
  const blob = await new Promise<Blob | null>((drawn) => canvas.toBlob(drawn, "image/png"));
  if (!blob) throw new Error("the picture is too large for this window");
  return new Uint8Array(await blob.arrayBuffer());
}
