/** Port of outgoing mail. */

/** One message; it never holds a secret other than a link that works once. */
export interface Mail {
  to: string[];
  subject: string;
  text: string;
}

export interface Mailer {
  /** Accepts a message for delivery; never fails the action that caused it. */
  send(mail: Mail): Promise<void>;
}
