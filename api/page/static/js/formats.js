// Numbers in the reader's own format, as the server writes them.
const language = document.documentElement.lang;
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const two = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const short = new Intl.NumberFormat(language, { notation: "compact", maximumSignificantDigits: 3 });
const share = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
const minus = (text) => text.replace("-", "−");

export const formats = {
  money: (value) => minus(whole.format(value)),
  short: (value) => minus(short.format(value)),
  ratio: (value) => minus(two.format(value)),
  share: (value) => minus(share.format(value)),
};
