import type { Chapter, Feature, Proof } from './feature.js';

/** The page of the features, as text. */

const PEERS = { O: 'OIP', T: 'Triton', M: 'MLServer', K: 'KServe', S: 'Seldon', A: 'aiSSEMBLE' };

const INTRODUCTION = `# Protocol

Every feature of the Open Inference Protocol and of its extensions and dialects, who has it, and the test that holds ours.
\`npm run docs:protocol\` writes this page from [test/conformance/features](../../test/conformance/features), and a spec
holds it against the tests. The numbers are those that the titles
of the tests begin with. Seldon's column is what its contracts and its agent ask of a server.
`;

/** As many proofs as a row names; the rest is counted. */
const NAMED = 3;

const linkOf = ({ file, title }: Proof): string => `[${escape(title)}](../../${file})`;

/** Text that is a cell of a table, and nothing but text. */
const escape = (text: string): string => text.replaceAll(/[\\|<>[\]_*`]/g, String.raw`\$&`);

function proofOf({ proofs, reason = '' }: Feature): string {
  if (proofs.length === 0) return reason;
  const links = proofs.slice(0, NAMED).map(linkOf);
  const others = proofs.length - links.length;
  return links.join('; ') + (others > 0 ? `; and ${others} more` : '');
}

function rowOf(feature: Feature): string {
  const peers = Object.keys(PEERS).map((letter) => (feature.who.includes(letter) ? 'yes' : '-'));
  const ours = feature.proofs.length > 0 ? 'yes' : 'no';
  return `| ${[feature.what, ...peers, ours, proofOf(feature)].join(' | ')} |`;
}

function textOf({ section, title, features }: Chapter): string {
  const columns = ['Feature', ...Object.values(PEERS), 'Here', 'Held by, or why not'];
  return [
    `## ${section} ${title}`,
    '',
    `| ${columns.join(' | ')} |`,
    `| ${columns.map(() => '---').join(' | ')} |`,
    ...features.map(rowOf),
    '',
  ].join('\n');
}

export const pageOf = (chapters: readonly Chapter[]): string => [INTRODUCTION, ...chapters.map(textOf)].join('\n');
