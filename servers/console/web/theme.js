// Light or dark: as the system says, unless told otherwise; before the first paint, so that nothing flashes.
const coppice_theme = {
  names: { auto: 'as the system', light: 'light', dark: 'dark' },
  get() {
    try {
      return localStorage.getItem('coppice-theme') ?? 'auto';
    } catch {
      return 'auto'; // storage may be forbidden
    }
  },
  set(theme) {
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem('coppice-theme', theme);
    } catch { /* then it lasts as long as the page */ }
  },
  next() {
    const all = Object.keys(this.names);
    const theme = all[(all.indexOf(document.documentElement.dataset.theme) + 1) % all.length];
    this.set(theme);
    return theme;
  },
};
document.documentElement.dataset.theme = coppice_theme.get() in coppice_theme.names ? coppice_theme.get() : 'auto';
window.coppice_theme = coppice_theme;
