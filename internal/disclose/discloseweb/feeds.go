package discloseweb

import (
	"context"
	"net/http"
	"strings"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/web"
)

// Feeder keeps which recipients get which feeds; *disclosedb.Store does.
type Feeder interface {
	Subscribe(ctx context.Context, recipient thimble.ID, feed, staff string) error
	Unsubscribe(ctx context.Context, recipient thimble.ID, feed, staff string) error
	Subscriptions(ctx context.Context) ([]disclosedb.Subscription, error)
}

var feedWords = map[string]string{
	disclose.OrderFeed:     "New orders every quarter of an hour, under pseudonyms: the fields of the agreement out of order, placed, country, return and lines.",
	disclose.CatalogueFeed: "All products when any has changed: the fields of the agreement out of item, name, kind, category, price_minor and currency. Nobody is in it.",
}

// feedForms begin and end the feeds of a recipient.
func feedForms(to disclose.Recipient, at string, all []disclosedb.Subscription) (forms []web.Form) {
	if to.Transport == disclose.Mail {
		return nil // it carries letters
	}
	for _, feed := range disclose.Feeds {
		f := web.Form{ID: "feed-" + feed, Action: at + "feed", Legend: "Feed of " + feed, Intro: feedWords[feed], Submit: "Begin the feed of " + feed,
			Fields: []web.Field{{Kind: web.HiddenField, Name: "feed", Value: feed}, {Kind: web.HiddenField, Name: "do", Value: "begin"}}}
		for _, s := range all {
			if s.Recipient != to.ID || s.Feed != feed {
				continue
			}
			f.Legend, f.Submit, f.Danger, f.Fields[1].Value = f.Legend+" (on)", "End the feed of "+feed, true, "end"
			if f.Intro += " Nothing was sent yet."; !s.RanAt.IsZero() {
				f.Intro = strings.TrimSuffix(f.Intro, "Nothing was sent yet.") + "Something was last sent on " + web.Date(s.RanAt) + "."
			}
		}
		forms = append(forms, f)
	}
	return forms
}

func (c *console) feed(r *http.Request, to thimble.ID) error {
	do := c.Store.Subscribe
	if r.PostFormValue("do") == "end" {
		do = c.Store.Unsubscribe
	}
	return do(r.Context(), to, r.PostFormValue("feed"), staffOf(r))
}
