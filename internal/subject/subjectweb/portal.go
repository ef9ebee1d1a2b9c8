package subjectweb

import (
	"context"
	"embed"
	"fmt"
	"net/http"

	"thimble"
	"thimble/internal/web"
)

//go:embed pages/portal_*.html
var portalFiles embed.FS

// PortalPath is where people see which of their accounts are joined.
const PortalPath = "/privacy/accounts"

// An Own opens a person's own data to that person: the gate does.
type Own = func(ctx context.Context, who thimble.SubjectID, categories ...thimble.Category) (thimble.Grant, error)

type accountsBody struct {
	Joined []joinedView
	Done   *web.Callout
	Empty  web.Empty
}

// Portal returns the page on which people see which accounts were taken for theirs,
// when and why, and part them.
func Portal(kit *web.Kit, people Joiner, own Own) (web.Section, error) {
	pages, err := kit.Pages(portalFiles, "pages/portal_*.html")
	if err != nil {
		return web.Section{}, err
	}
	nav := []web.NavItem{{Label: "My accounts", Href: PortalPath}}
	return web.Section{Nav: nav, Mount: func(mux web.Routes, f *web.Frame) {
		show := func(w http.ResponseWriter, r *http.Request, done *web.Callout) {
			grant, err := own(r.Context(), web.VisitorFrom(r.Context()).Subject, thimble.AccountIdentifier)
			body := accountsBody{Done: done, Empty: web.Empty{Icon: "people", Title: "You have one account here",
				Text: "If the shop finds that another account is yours too, it shows here, with the reason, and you can undo it."}}
			if err == nil {
				body.Joined, err = joinedViews(r.Context(), people, grant, PortalPath)
			}
			if err != nil {
				f.Fail(w, r, err)
				return
			}
			f.Render(w, r, http.StatusOK, pages, "portal_accounts.html", web.Page{
				Title: "My accounts", Lead: "Which accounts the shop takes for yours. If one is not, part it: it takes effect at once.",
				Notice: &web.AccessNotice{Purpose: "showing you your own data"}, Body: body,
			})
		}
		mux.HandleFunc("GET "+PortalPath, func(w http.ResponseWriter, r *http.Request) { show(w, r, nil) })
		mux.HandleFunc("POST "+PortalPath, func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseForm(); err != nil {
				f.Fail(w, r, fmt.Errorf("subjectweb: reading the form: %w", thimble.ErrInvalid))
				return
			}
			grant, err := own(r.Context(), web.VisitorFrom(r.Context()).Subject, thimble.AccountIdentifier)
			if err == nil {
				err = partOwn(r, people, grant, "the person")
				// What was opened of the two as one is not on the page that follows, which
				// the gate would hold back otherwise.
				if g, ok := grant.(interface{ Drop(context.Context) }); ok {
					g.Drop(r.Context())
				}
			}
			if err != nil {
				f.Fail(w, r, err)
				return
			}
			// Not by another address: whoever goes there may be signed out by then.
			show(w, r, &web.Callout{Tone: web.Good, Title: "Parted", Text: "The accounts are two people again, each as it was. What came in meanwhile is with the account it came by. " +
				"Both are signed out everywhere, here too: sign in again to see yours."})
		})
	}}, nil
}
