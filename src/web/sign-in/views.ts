/** Locals of the pages around the sign-in. */

interface Step {
  action: string;
  title: string;
  /** Path that the sign-in leads to. */
  next: string;
  problem: string | null;
}

export interface SignInViews {
  'admin/sign-in': Step & { userName: string };
  'admin/sign-in-code': Step & { ticket: string; back: string };
  /** Of `admin/error`, in a layout without a heading of its own. */
  'admin/sign-in-error': {
    title: string;
    text: string | null;
    code: string | null;
    requestId: string;
  };
  'admin/verify': {
    action: string;
    next: string;
    /** Whether a code will do as well. */
    hasCode: boolean;
    problems: { field: string; message: string }[];
  };
}
