import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { Public } from './access.js';
import { ReadinessProbe } from '../readiness-probe.js';

@ApiTags('health')
@Public()
@Controller()
export class HealthController {
  readonly #probe: ReadinessProbe;

  constructor(@Inject(ReadinessProbe) probe: ReadinessProbe) {
    this.#probe = probe;
  }

  @Get('health')
  @ApiOperation({ summary: 'The process lives', security: [] })
  @ApiResponse({ status: 200, description: '`{"status":"ok"}`' })
  health() {
    return { status: 'ok' };
  }

  @Get('ready')
  @ApiOperation({ summary: 'Everything that is needed is there', security: [] })
  @ApiResponse({ status: 200, description: 'Each dependency, all of them there' })
  @ApiResponse({ status: 503, description: 'Each dependency, not all of them there' })
  async ready(@Res({ passthrough: true }) response: Response) {
    const dependencies = await this.#probe.look();
    const ready = Object.values(dependencies).every(Boolean);
    response.status(ready ? 200 : 503);
    if (!ready) response.setHeader('Retry-After', 2);
    return { status: ready ? 'ready' : 'not_ready', dependencies };
  }
}
