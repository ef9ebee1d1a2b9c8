package sessionweb

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/subject"
	"thimble/internal/web"
)

// Enter is where the shop's page posts its token.
const Enter = "/privacy/enter"

// Tokens remembers which tokens of the shop were used, and makes one-time links;
// *sessiondb.Store does.
type Tokens interface {
	Spend(ctx context.Context, t session.ShopToken) error
	Link(ctx context.Context, who session.Who) (token string, err error)
}

// fromShop believes a token of the shop, once, and leads to a one-time link. It comes by
// a post from the shop's page, which is another site: nothing is signed in yet, and no
// cookie is looked at. Why a token is refused goes to the log, for the shop's developer;
// the browser is told the same for each.
func (p *portal) fromShop(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if wait, ok := p.byNetwork.Allow("shop " + web.Network(r.RemoteAddr)); !ok {
		tooMany(w, wait)
		p.frame.Fail(w, r, thimble.ErrUnavailable)
		return
	}
	link, err := p.believe(r.Context(), r.PostFormValue("token"))
	switch {
	case errors.Is(err, thimble.ErrDenied), errors.Is(err, thimble.ErrNotFound), errors.Is(err, thimble.ErrInvalid):
		p.door.log.WarnContext(r.Context(), "a token of the shop was refused", slog.String("why", whyRefused(err)), slog.String("request_id", web.RequestIDFrom(r.Context())))
		p.showLink(w, r, http.StatusForbidden, linkBody{Spent: true})
	case err != nil:
		p.frame.Fail(w, r, err)
	default:
		to := Links + link
		if next := returnTo(r); next != "" {
			to += "?next=" + url.QueryEscape(next)
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

// whyRefused holds no value of the token.
func whyRefused(err error) string {
	if why := session.WhyRefused(err); why != "" {
		return why
	}
	if errors.Is(err, thimble.ErrNotFound) {
		return "no customer has the account in sub"
	}
	return "it was used before"
}

func (p *portal) believe(ctx context.Context, token string) (link string, err error) {
	t, err := p.Shop.Verify(token, p.Now())
	if err != nil {
		return "", err
	}
	// Spent before anybody is looked for: a token is believed once, whatever comes of it.
	if err := p.Tokens.Spend(ctx, t); err != nil {
		return "", err
	}
	// The account is revealed to be looked up by its blind index.
	id, err := subject.NewIdentifier(subject.Account, t.Account.Reveal())
	if err != nil {
		return "", err
	}
	who, err := p.People.Find(ctx, id)
	if err != nil {
		return "", err
	}
	return p.Tokens.Link(ctx, session.Who{Audience: session.Customer, Subject: who})
}
