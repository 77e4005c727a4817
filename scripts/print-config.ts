// Prints the configuration table of README.md, or with `--env` the text of .env.example, from the
// table in src/config/config.ts: node scripts/print-config.ts [--env]
import { renderEnvExample, renderReadmeTable } from '../src/config/documents.ts';

console.log(process.argv.includes('--env') ? renderEnvExample() : renderReadmeTable());
