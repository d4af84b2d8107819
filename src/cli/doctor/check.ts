/** What one look found. `failing`: Dragoman will not work. `warning`: it will, until something happens. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'failing';
  readonly found: string;
  /** What a person should do about it; null when nothing. */
  readonly todo: string | null;
}

export const ok = (check: string, found: string): Finding => ({ check, state: 'ok', found, todo: null });

export const warning = (check: string, found: string, todo: string): Finding => ({
  check,
  state: 'warning',
  found,
  todo,
});

export const failing = (check: string, found: string, todo: string): Finding => ({
  check,
  state: 'failing',
  found,
  todo,
});
