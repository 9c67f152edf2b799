// Files that are larger than the service takes are told before they are sent.
const ROOM = 16384; // bytes of a form that are not its files

document.addEventListener("change", (event) => {
  const field = event.target.closest("[data-most-bytes]");
  if (!field) return;
  const size = [...field.files].reduce((sum, file) => sum + file.size, ROOM);
  field.setCustomValidity(size > Number(field.dataset.mostBytes) ? field.dataset.tooLarge : "");
  field.reportValidity();
});
