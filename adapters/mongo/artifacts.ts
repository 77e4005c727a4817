/** Short-lived protocol state. Payloads are JSON text: their members are the engine's, whatever their names. */
import type { Artifact, ArtifactStore } from '../../src/domain/artifacts.ts';
import { type Database, text } from './connection.ts';
import { takenKey } from './errors.ts';
import { collection } from './schema.ts';

interface ArtifactDocument {
  _id: string;
  payload: string;
  /** Epoch seconds; null = not consumed. */
  consumed: number | null;
  expiresAt: Date;
}

export const artifactSchema = collection({ payload: String, consumed: Number, expiresAt: Date });
artifactSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

/** Artifacts of a database. */
export function artifactStore(database: Database): ArtifactStore {
  const artifacts = database.native<ArtifactDocument>('artifacts');
  return {
    async insert(artifact, now) {
      const { _id, ...fields } = encode(artifact);
      try {
        // An unexpired one is not matched; then the upsert inserts, and its id is taken.
        const expired = { _id, expiresAt: { $lte: now } };
        await artifacts.updateOne(expired, { $set: fields }, { upsert: true });
        return true;
      } catch (error) {
        if (takenKey(error) === null) throw error;
        return false;
      }
    },
    async upsert(artifact) {
      const { _id, ...fields } = encode(artifact);
      await artifacts.updateOne({ _id }, { $set: fields }, { upsert: true });
    },
    async find(model, digest, now) {
      const found = await artifacts.findOne({ _id: idOf(model, digest), expiresAt: { $gt: now } });
      if (found === null) return null;
      const { payload, consumed } = found;
      return { ...JSON.parse(payload), ...(consumed === null ? {} : { consumed }) };
    },
    async consume(model, digest, now) {
      const { modifiedCount } = await artifacts.updateOne(
        { _id: idOf(model, digest), consumed: null, expiresAt: { $gt: now } },
        { $set: { consumed: Math.floor(now.getTime() / 1000) } },
      );
      return modifiedCount === 1;
    },
    async remove(model, digest) {
      await artifacts.deleteOne({ _id: idOf(model, digest) });
    },
  };
}

/** No model has a colon in its name, so no two pairs share an id. */
function idOf(model: string, digest: string): string {
  return `${text(model)}:${text(digest)}`;
}

function encode({ model, digest, payload, expiresAt }: Artifact): ArtifactDocument {
  const { consumed, ...rest } = payload;
  return {
    _id: idOf(model, digest),
    payload: JSON.stringify(rest),
    consumed: typeof consumed === 'number' ? consumed : null,
    expiresAt,
  };
}
