import type {
  ModelSequenceBatching,
  SequenceControl,
  SequenceControlKind,
  SequenceState,
} from '../../../../core/model/model-config.js';
import { staysInFolder } from '../../containment.js';
import { duplicates } from './duplicates.js';
import { preferredProblems } from './preferred-sizes.js';
import { dimensionProblems } from './tensors.js';

/** What is wrong with the sequence batcher of a configuration. */
export function* sequenceProblems(sequence: ModelSequenceBatching, maxBatchSize: number): Generator<string> {
  const { direct, oldest, control_input, state } = sequence;
  if (direct !== undefined && oldest !== undefined) {
    yield 'sequence_batching.strategy_choice: holds direct and oldest: keep one of them';
  }
  const share = direct?.minimum_slot_utilization ?? 0;
  if (!(share >= 0 && share <= 1)) {
    yield `sequence_batching.direct.minimum_slot_utilization: ${share} is no share: use one in range [0.0, 1.0]`;
  }
  if (oldest !== undefined) {
    yield* preferredProblems('sequence_batching.oldest', oldest.preferred_batch_size, maxBatchSize);
    if (oldest.max_candidate_sequences < 0) {
      yield (
        `sequence_batching.oldest.max_candidate_sequences: ${oldest.max_candidate_sequences} is no number of ` +
        'sequences: use at least 1, or 0 for the default'
      );
    }
  }
  for (const [index, { name, control }] of control_input.entries()) {
    const at = `sequence_batching.control_input[${index}]`;
    if (name === '') yield `${at}.name: '' is no name: name the input of the model`;
    if (control.length === 0) yield `${at}.control: [] controls nothing: say what '${name}' carries`;
    for (const [place, entry] of control.entries()) yield* controlProblems(`${at}.control[${place}]`, entry);
  }
  const kinds = control_input.flatMap(({ control }) => control.map(({ kind }) => kind));
  for (const kind of duplicates(kinds)) {
    yield `sequence_batching.control_input: sequence batching specifies multiple ${kind} tensors: keep one`;
  }
  yield* stateProblems(state);
}

const CORRELATION_TYPES = ['TYPE_UINT64', 'TYPE_INT64', 'TYPE_UINT32', 'TYPE_INT32', 'TYPE_STRING'];
const CORRID: SequenceControlKind = 'CONTROL_SEQUENCE_CORRID';
const PAIRS = ['int32_false_true', 'fp32_false_true', 'bool_false_true'] as const;

function* controlProblems(at: string, control: SequenceControl): Generator<string> {
  const { kind, data_type } = control;
  const pairs = PAIRS.filter((pair) => control[pair].length > 0);
  if (kind === CORRID) {
    if (!CORRELATION_TYPES.includes(data_type)) {
      yield (
        `${at}.data_type: unexpected data type ${data_type} for control ${kind}: ` +
        `use one of ${CORRELATION_TYPES.join(', ')}`
      );
    }
    if (pairs.length > 0) yield `${at}.${pairs.join(' and ')}: ${kind} carries an id: remove the pair, set data_type`;
    return;
  }
  if (pairs.length !== 1) {
    yield `${at}: ${kind} has ${pairs.length === 0 ? 'none' : pairs.join(' and ')} of ${PAIRS.join(', ')}: set one`;
  }
  for (const pair of pairs) {
    if (control[pair].length === 2) continue;
    yield `${at}.${pair}: [${control[pair].join(', ')}] must have exactly 2 entries for ${kind}: write [false, true] values`;
  }
}

function* stateProblems(states: readonly SequenceState[]): Generator<string> {
  for (const role of ['input_name', 'output_name'] as const) {
    for (const name of duplicates(states.map((state) => state[role]))) {
      if (name !== '') yield `sequence_batching.state: ${role} '${name}' stands twice: use each tensor for one state`;
    }
  }
  for (const [index, { input_name, output_name, dims, initial_state: initial }] of states.entries()) {
    const at = `sequence_batching.state[${index}]`;
    if (input_name === '') yield `${at}.input_name: '' is no name: name the input of the model`;
    if (output_name === '') yield `${at}.output_name: '' is no name: name the output of the model`;
    yield* dimensionProblems(`${at}.dims`, input_name, dims);
    if (initial.length > 1) yield `${at}.initial_state: holds ${initial.length} entries: keep one`;
    for (const { zero_data, data_file, dims: initialDims } of initial) {
      if ((zero_data === undefined) === (data_file === undefined)) {
        yield `${at}.initial_state: of '${input_name}' needs one of zero_data and data_file: set one`;
      }
      if (data_file !== undefined && !staysInFolder(data_file)) {
        yield `${at}.initial_state.data_file: '${data_file}' leads out of initial_state/: put the file there`;
      }
      const wrong = initialDims.find((dimension) => dimension < 1);
      if (wrong !== undefined) {
        yield `${at}.initial_state.dims: ${wrong} of '${input_name}' is no size that can be made: use integers >= 1`;
      }
    }
  }
}
