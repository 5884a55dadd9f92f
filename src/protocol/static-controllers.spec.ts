import { Controller, Get, Injectable, Module, Scope } from '@nestjs/common';
import { expect, it } from 'vitest';
import { serve } from '../testing/serve.js';

@Injectable({ scope: Scope.REQUEST })
class Session {}

@Controller('scoped')
class ScopedController {
  constructor(readonly session: Session) {}

  @Get()
  read() {
    return {};
  }
}

@Module({ controllers: [ScopedController], providers: [Session] })
class ScopedModule {}

it('a controller below which anything is request-scoped ends the start, and is named', async () => {
  await expect(serve([], { imports: [ScopedModule] })).rejects.toThrow(/ScopedController is request-scoped/);
});
