import type { StoreMigrateFlags } from '../store-migrate.ts';
import { type ConfigFlags, configured, type Register, sourcesOf } from './command.ts';

export const registerStore: Register = (program, finish) => {
  const store = program.command('store').description('the place of everything durable');
  configured(store.command('backup'))
    .argument('<file>', 'where to; it must not be there yet')
    .description('copy the SQLite store as it is now, whether a backend runs or not')
    .option('--json', 'for programs')
    .action(async (file: string, { json, ...flags }: ConfigFlags & { json?: boolean }) => {
      const { storeBackup } = await import('../store-backup.ts');
      finish(await storeBackup(sourcesOf(flags), file, json === true));
    });
  configured(store.command('migrate'))
    .description('copy a store into an empty one, SQLite or MongoDB; nobody may use either meanwhile')
    .option('--from <store>', "sqlite:PATH or mongodb://HOSTS/DATABASE; by default the configuration's")
    .option('--from-file <file>', 'the file whose text is --from, so that a password is in no process list')
    .option('--to <store>', 'sqlite:PATH or mongodb://HOSTS/DATABASE, empty or the same unfinished copy')
    .option('--to-file <file>', 'the file whose text is --to')
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      `
Examples:
  dragoman store migrate --to 'mongodb://127.0.0.1:27017/dragoman?replicaSet=rs0'
  dragoman store migrate --from-file mongodb.url --to sqlite:backup.db

Killed at any moment, the same command goes on where it was. Until it ends well, no backend opens the target.`,
    )
    .action(async ({ from, fromFile, to, toFile, json, ...flags }: ConfigFlags & StoreMigrateFlags) => {
      const { storeMigrate } = await import('../store-migrate.ts');
      const given = { from, fromFile, to, toFile, json };
      finish(await storeMigrate(sourcesOf(flags), given));
    });
};
