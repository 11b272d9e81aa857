import { describe, expect, it } from 'vitest';
import { passwordProblem } from '../src/core/user/password-policy.js';

describe('a password', () => {
  it.each(['a password for ada', 'correct horse', 'Xk3.v9qL', 'пароль для ады', '12 monkeys ran'])(
    'may be %s',
    (password) => {
      expect(passwordProblem(password, 'ada')).toBeUndefined();
    },
  );

  it.each([
    ['aaaaaaaa', 'different characters'],
    ['abababab', 'different characters'],
    ['ada-lovelace1', 'user name'],
    ['ADA-Lovelace', 'user name'],
    ['Password1!', 'tried first'],
    ['qwertyuiop', 'tried first'],
    ['letmein2026', 'tried first'],
    ['20261125', 'tried first'],
  ])('may not be %s', (password, problem) => {
    expect(passwordProblem(password, 'ada-lovelace')).toContain(problem);
  });
});
