import { All, Controller, Get, Post } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Problem } from './problem.js';

const notYet = (what: string): never => {
  throw new Problem(501, `${what} is not carried out by this version yet`);
};

/** Routes of the contract that this version does not serve: they say so, and the document leaves them out. */
@ApiExcludeController()
@Controller('v1')
export class NotYetController {
  @Get('users')
  listUsers() {
    notYet('the list of users');
  }

  @Post('users')
  createUser() {
    notYet('a new user');
  }

  @All('users/:username')
  changeUser() {
    notYet('a change of users');
  }
}
