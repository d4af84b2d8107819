/** @typedef {'system' | 'light' | 'dark'} Theme */

const KEY = 'dragoman.theme';
/** @type {readonly Theme[]} */
export const THEMES = ['system', 'light', 'dark'];

/** @returns {Theme} */
export const chosenTheme = () => THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? 'system';

/** @param {Theme} theme */
export function chooseTheme(theme) {
  localStorage.setItem(KEY, theme);
  applyTheme();
}

export function applyTheme() {
  document.documentElement.dataset['theme'] = chosenTheme();
  dispatchEvent(new Event('dragoman:theme'));
}

/**
 * What a colour of the style sheet is now, for what is drawn and not styled.
 *
 * @param {string} name of a custom property, as `--accent`
 */
export function colour(name) {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
