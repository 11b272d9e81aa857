/** What a password has to be beside long enough: nothing that is tried first. Rules for its characters would only make it worse (NIST SP 800-63B). */
export function passwordProblem(password: string, username: string): string | undefined {
  const text = password.toLowerCase();
  if (new Set(text).size < DIFFERENT_MIN) {
    return `must have at least ${DIFFERENT_MIN} different characters`;
  }
  if (text.replaceAll(username.toLowerCase(), '').length < BESIDE_NAME_MIN) {
    return 'must be more than the user name';
  }
  return TRIED_FIRST.has(text.replace(DECORATION, '')) ? 'is one that is tried first' : undefined;
}

const DIFFERENT_MIN = 5;
const BESIDE_NAME_MIN = 4;
/** `Password1!` is no better than `password`. */
const DECORATION = /[^\p{L}]*$/u;
/** Words and rows of keys at the head of every list of leaked passwords, without what they end with. */
const TRIED_FIRST: ReadonlySet<string> = new Set([
  '',
  'abcdefgh',
  'administrator',
  'asdfghjk',
  'asdfghjkl',
  'baseball',
  'bunnydb',
  'changeme',
  'computer',
  'dragon',
  'football',
  'iloveyou',
  'letmein',
  'master',
  'monkey',
  'p@ssw0rd',
  'p@ssword',
  'passw0rd',
  'password',
  'postgres',
  'princess',
  'qwerty',
  'qwertyui',
  'qwertyuiop',
  'qwertz',
  'secret',
  'starwars',
  'sunshine',
  'superman',
  'superuser',
  'trustno',
  'welcome',
  'whatever',
  'zxcvbnm',
]);
