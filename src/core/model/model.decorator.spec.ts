import { describe, expect, it } from 'vitest';
import { fp32 } from '../tensor/kinds.js';
import { Model, modelMetadata } from './model.decorator.js';
import { type Inputs, signature } from './signature.js';

const echo = signature({ inputs: { x: fp32(-1) }, outputs: { x: fp32(-1) } });

class Echo {
  infer({ x }: Inputs<typeof echo>) {
    return { x };
  }
}

describe('@Model', () => {
  it('records name, version and signature on the class', () => {
    @Model({ name: 'echo', version: '2' }, echo)
    class VersionedEcho extends Echo {}
    expect(modelMetadata(VersionedEcho)).toEqual({ name: 'echo', version: '2', signature: echo });
    expect(modelMetadata(VersionedEcho)?.signature).toBe(echo);
  });

  it.each(['echo', { name: 'echo' }])('takes version 1 for %j', (identity) => {
    @Model(identity, echo)
    class NamedEcho extends Echo {}
    expect(modelMetadata(NamedEcho)).toMatchObject({ name: 'echo', version: '1' });
  });

  it.each(['__proto__', 'constructor', 'a/b', 'übung', ' padded '])('takes the name %j as it is', (name) => {
    @Model(name, echo)
    class NamedEcho extends Echo {}
    expect(modelMetadata(NamedEcho)?.name).toBe(name);
  });

  it('does not pass to a subclass', () => {
    @Model('echo', echo)
    class Parent extends Echo {}
    class Child extends Parent {}
    expect(modelMetadata(Child)).toBeUndefined();
  });

  it('is read off a subclass that has one of its own', () => {
    @Model('parent', echo)
    class Parent extends Echo {}
    @Model('child', echo)
    class Child extends Parent {}
    expect(modelMetadata(Parent)?.name).toBe('parent');
    expect(modelMetadata(Child)?.name).toBe('child');
  });

  it('leaves the class as it is', () => {
    @Model('echo', echo)
    class NamedEcho extends Echo {}
    const x = fp32.of([1], [3]);
    expect(new NamedEcho().infer({ x })).toEqual({ x });
  });

  it('is not on other classes', () => {
    expect(modelMetadata(Echo)).toBeUndefined();
  });

  it.each(['', ' ', '\t\n', { name: '' }])('refuses the name %j', (identity) => {
    expect(() => Model(identity, echo)).toThrow(new TypeError('@Model needs a name'));
  });

  it('refuses an empty version', () => {
    expect(() => Model({ name: 'echo', version: '' }, echo)).toThrow(
      new TypeError("@Model 'echo': a version must not be empty"),
    );
  });
});
