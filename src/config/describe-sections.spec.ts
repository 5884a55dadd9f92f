import { expect, it } from 'vitest';
import { describeSections } from './describe-sections.js';
import { Bool, List, Secret } from './keys.js';

class DemoConfig {
  @List('Which ones.') readonly DEMO_NAMES: readonly string[] = ['a', 'b'];
  @Bool('Whether.') readonly DEMO_FLAG: boolean = false;
  @Secret('The keys.') readonly DEMO_KEYS?: string;
}

it('lists no file for a secret that has none', () => {
  class OtherConfig {
    @Secret('The keys.', { fromFile: false }) readonly DEMO_KEYS?: string;
  }
  expect(describeSections([OtherConfig]).map(({ key }) => key)).toEqual(['DEMO_KEYS']);
});

it('lists every key in order, and the file of a secret', () => {
  const section = 'DemoConfig';
  expect(describeSections([DemoConfig])).toEqual([
    {
      key: 'DEMO_NAMES',
      section,
      default: 'a,b',
      allowed: 'a list with commas between',
      secret: false,
      description: 'Which ones.',
    },
    { key: 'DEMO_FLAG', section, default: 'false', allowed: 'true or false', secret: false, description: 'Whether.' },
    { key: 'DEMO_KEYS', section, default: undefined, allowed: 'text', secret: true, description: 'The keys.' },
    {
      key: 'DEMO_KEYS_FILE',
      section,
      default: undefined,
      allowed: 'the path of a file',
      secret: false,
      description: 'The file to read DEMO_KEYS from.',
    },
  ]);
});
