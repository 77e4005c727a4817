/** What all schemas share: explicit fields, unknown ones refused, text ids, no magic fields. */
import { Schema, type SchemaDefinition } from 'mongoose';
import { text } from './connection.ts';

/** A stored document as the driver gives it. */
export type Stored = { _id: string } & Record<string, unknown>;

const STRICT = { strict: 'throw', minimize: false, versionKey: false, id: false } as const;

/** A collection's schema. */
export function collection(fields: SchemaDefinition): Schema {
  return new Schema({ _id: String, ...fields }, { ...STRICT, autoIndex: false, autoCreate: false });
}

/** A part of a document. */
export function part(fields: SchemaDefinition): Schema {
  return new Schema(fields, { ...STRICT, _id: false });
}

/** The fields of every governed record, beside its own. */
export const VERSIONED = {
  version: Number,
  createdAt: Date,
  updatedAt: Date,
  /** Lower-cased text that a search looks through. */
  searchText: String,
} as const;

/** State of the lockout. */
export const LOCK = part({
  failedLogins: Number,
  lockedAt: Date,
  failures: [part({ at: Date, address: String })],
});

/** Text as it is compared without regard to case. */
export function folded(value: string): string {
  return text(value).normalize('NFC').toLowerCase();
}
