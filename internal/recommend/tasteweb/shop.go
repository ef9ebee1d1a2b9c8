package tasteweb

import (
	"net/http"

	"thimble/internal/web"
)

// Shop returns what the buttons beside a product of a list do. Whoever is not signed in
// has no list that is made for them.
func Shop(s Store) web.Section {
	return web.Section{Mount: func(mux web.Routes, f *web.Frame) {
		mux.HandleFunc("POST "+ShopPath, func(w http.ResponseWriter, r *http.Request) {
			if web.VisitorFrom(r.Context()).Subject.IsZero() {
				http.Redirect(w, r, "/", http.StatusSeeOther)
				return
			}
			changed, err := say(w, r, s, "shop-lists@1")
			if err != nil {
				f.Fail(w, r, err)
				return
			}
			http.Redirect(w, r, "/?done=lists-"+done(changed), http.StatusSeeOther)
		})
	}}
}
