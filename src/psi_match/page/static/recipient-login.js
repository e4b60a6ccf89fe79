// The token stands behind "#", which no browser sends to a server. It leaves the address bar first, then goes out once.
"use strict";
(function () {
  const prefix = "#login=";
  function use() {
    if (!window.location.hash.startsWith(prefix)) return;
    const token = window.location.hash.slice(prefix.length);
    window.history.replaceState(null, "", window.location.pathname);
    const form = document.getElementById("login-form");
    document.getElementById("login-busy").hidden = false;
    form.elements.token.value = token;
    form.submit();
  }
  // A link that is opened where this page stands already does not load it anew.
  window.addEventListener("hashchange", use);
  use();
})();
