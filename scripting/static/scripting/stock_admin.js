// Django's own admin says light or dark in an attribute, our panels look for a class.

{
  const html = document.documentElement;
  const night = matchMedia("(prefers-color-scheme: dark)");

  function paint() {
    const theme = html.dataset.theme || "auto";
    html.classList.toggle("dark", theme === "dark" || (theme === "auto" && night.matches));
  }

  paint();
  night.addEventListener("change", paint);
  new MutationObserver(paint).observe(html, { attributes: true, attributeFilter: ["data-theme"] });
}
