import type { DataFolder } from './data-folder.js';
import type { LaunchOptions } from './options.js';
import type { Screen } from './screen.js';
import type { Secrets } from './secrets-file.js';
import type { StopList } from './stop-list.js';

/** What every part of the launcher works with. */
export interface Launch {
  readonly options: LaunchOptions;
  readonly folder: DataFolder;
  readonly secrets: Secrets;
  readonly screen: Screen;
  readonly stopList: StopList;
}
