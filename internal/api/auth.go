package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"thimble/internal/apikey"
	"thimble/internal/web"
)

// scopeKey is where an operation's metadata says what a key needs, and public the
// word for none.
const (
	scopeKey = "scope"
	public   = "public"
)

// scopeOf returns the scope of an operation, and whether it names one.
func scopeOf(op *huma.Operation) (scope string, ok bool) {
	scope, _ = op.Metadata[scopeKey].(string)
	return scope, scope == public || apikey.Scope(scope).Known()
}

// authorize lets a request on when its key has the operation's scope, and puts
// the key in the context.
func (a *API) authorize(ctx huma.Context, next func(huma.Context)) {
	scope, ok := scopeOf(ctx.Operation())
	if ok && scope == public {
		next(ctx)
		return
	}
	r, w := humago.Unwrap(ctx)
	text, found := bearer(r)
	if !found {
		refuse(w, r, "key-missing", `Bearer realm="thimble"`)
		return
	}
	key, err := a.keys.Check(ctx.Context(), text, apikey.Scope(scope))
	switch {
	case errors.Is(err, apikey.ErrMisspelt):
		refuse(w, r, "key-misspelt", `Bearer realm="thimble", error="invalid_token"`)
	case errors.Is(err, apikey.ErrUnknown):
		refuse(w, r, "key-unknown", `Bearer realm="thimble", error="invalid_token"`)
	case errors.Is(err, apikey.ErrScope):
		// The scope comes from our own declaration, not from the request.
		w.Header().Set("WWW-Authenticate", `Bearer realm="thimble", error="insufficient_scope", scope="`+scope+`"`)
		p := problemOf("scope-missing")
		p.Detail = "This needs a key with the scope " + scope + ", and yours lacks it. Make one in the console under API keys."
		web.WriteProblem(w, r, p)
	case err != nil:
		a.failed(r.Context(), err)
		web.WriteProblem(w, r, web.ProblemOf(err))
	default:
		next(huma.WithContext(ctx, apikey.With(ctx.Context(), key)))
	}
}

// bearer returns the key of a request (RFC 6750 section 2.1). The other two ways of
// that document, form field and query, put it where logs are.
func bearer(r *http.Request) (text string, ok bool) {
	sent := r.Header.Values("Authorization")
	if len(sent) != 1 {
		return "", false
	}
	scheme, text, ok := strings.Cut(sent[0], " ")
	return strings.TrimSpace(text), ok && strings.EqualFold(scheme, "Bearer")
}

func refuse(w http.ResponseWriter, r *http.Request, slug, challenge string) {
	w.Header().Set("WWW-Authenticate", challenge)
	web.WriteProblem(w, r, problemOf(slug))
}
