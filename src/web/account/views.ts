/** Locals of the pages of one's own account that no other page shares. */

export interface AccountViews {
  'admin/account/second-factor': {
    isOn: boolean;
    path: string;
    /** How many recovery codes are left, in words. */
    codes: string;
    /** The key that waits for its first code: for typing in, and as an image. */
    key: { text: string; qr: string } | null;
    problems: { field: string; message: string }[];
  };
  'admin/account/recovery-codes': {
    codes: string[];
    /** The codes as a file to keep. */
    file: string;
    done: { href: string; label: string };
  };
}
