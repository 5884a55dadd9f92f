/** What cases give back: rows for the one table of the suite, and tables of their own. */

const number = (digits) => (value) => (Number.isFinite(value) ? value.toFixed(digits) : '-');

/** A row of the table of the suite; `limit` is the least, or the most, that `ratio` may be. */
export function ratioRow({ work, ours, baseline, unit, digits = 1, atMost, atLeast }) {
  const ratio = ours / baseline;
  return {
    work: `${work}, ${unit}`,
    ours: number(digits)(ours),
    baseline: number(digits)(baseline),
    ratio: number(2)(ratio),
    ...held(ratio, atMost, atLeast),
  };
}

/** A row of a figure that needs no baseline: it is held against a bound itself. */
export const boundRow = ({ work, ours, unit, digits = 1, atMost, atLeast }) => ({
  work: `${work}, ${unit}`,
  ours: number(digits)(ours),
  baseline: '-',
  ratio: '-',
  ...held(ours, atMost, atLeast),
});

function held(value, atMost, atLeast) {
  if (atMost === undefined && atLeast === undefined) return { target: '-', met: '-' };
  const target = atMost === undefined ? `>= ${atLeast}` : `<= ${atMost}`;
  if (!Number.isFinite(value)) return { target, met: 'not measured' };
  return { target, met: (atMost === undefined ? value >= atLeast : value <= atMost) ? 'yes' : 'NO' };
}

/** The table of a comparison; the first subject is what the others are set against. */
export function comparisonTable(title, results) {
  const [first] = results;
  return {
    title,
    columns: ['server', 'calls/s', 'ratio', 'CPU us/call', 'ratio', 'p50 ms', 'p99 ms', 'RSS MB'],
    rows: results.map(({ subject, perSecond, cpu, p50, p99, rss }) => [
      subject,
      number(perSecond < 1_000 ? 1 : 0)(perSecond),
      number(2)(perSecond / first.perSecond),
      number(1)(cpu),
      number(2)(cpu / first.cpu),
      number(2)(p50),
      number(2)(p99),
      number(0)(rss),
    ]),
  };
}

/** A table as text, padded as Markdown formatters do. */
export function toMarkdown({ columns, rows }) {
  const widths = columns.map((column, index) => Math.max(3, column.length, ...rows.map((row) => row[index].length)));
  const line = (cells) => `| ${cells.map((cell, index) => cell.padEnd(widths[index])).join(' | ')} |`;
  return [line(columns), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}

const SUMMARY = ['work', 'this server', 'baseline', 'ratio', 'target', 'met'];

export const summaryTable = (rows) => ({
  columns: SUMMARY,
  rows: rows.map(({ work, ours, baseline, ratio, target, met }) => [work, ours, baseline, ratio, target, met]),
});
