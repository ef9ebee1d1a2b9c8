// Narrows htmx down to what Thimble needs: parsing this origin's replies. No
// attribute is ever compiled to code, and no reply brings a script of its own.
(() => {
  const refuse = function () {
    throw new Error("code in attributes is switched off");
  };
  const parse = { createHTML: (html) => html, createScript: () => "" };
  const policy = window.trustedTypes ? trustedTypes.createPolicy("htmx", parse) : parse;
  htmx.registerExtension("trusted", {
    init: (api) => api.initSecurity(policy, refuse, refuse),
  });
})();
