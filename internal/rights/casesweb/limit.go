package casesweb

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/signal"
	"thimble/internal/gate/gateweb"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/web"
)

// A limitView is one thing that a person can stop.
type limitView struct {
	Title, Text string
	Badge       web.Badge
	Do          *web.Action
	Back        *web.Action // where it is undone
}

type limitsBody struct {
	Rest    limitView
	OptOuts []limitView
	Uses    []limitView
}

// optOuts are the kinds that need no purpose to be named.
var optOuts = []struct {
	kind        cases.Kind
	title, text string
}{
	{cases.Sale, "Selling and sharing", "Your data is given to nobody for money or for their own purposes."},
	{cases.ShareAds, "Advertising by what is known of me", "No advertising is chosen by what the shop knows of you, here or elsewhere."},
	{cases.Marketing, "Letters and mail that advertise", "The shop sends you no advertising."},
	{cases.Sensitive, "Sensitive data", "This is what your law guards most, such as your body or your health. It is used for what you asked for, and for what a law asks. It is used for nothing else."},
	{cases.Profiling, "Lists and profiles made from what I do", "No list is made from what you look at and buy. You see what most customers buy."},
}

func button(label string, k cases.Kind, p thimble.Purpose, about string) *web.Action {
	a := &web.Action{Label: label, Href: LimitPath, Post: true, About: about, Hidden: []web.Hidden{{Name: "kind", Value: string(k)}}}
	if p != "" {
		a.Hidden = append(a.Hidden, web.Hidden{Name: "purpose", Value: string(p)})
	}
	return a
}

var (
	off = web.Badge{Text: "Stopped", Tone: web.Good}
	on  = web.Badge{Text: "Possible"}
)

func (p *portal) limits(w http.ResponseWriter, r *http.Request) {
	who := web.VisitorFrom(r.Context()).Subject
	_, err := p.Own(r.Context(), who, thimble.PrivacyPreferences)
	var body limitsBody
	if err == nil {
		body, err = p.limitsOf(r.Context(), who)
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	p.frame.Render(w, r, http.StatusOK, p.pages, "portal_limit.html", web.Page{
		Title: "Limits", Lead: "What the shop may not do with what it knows of you. Each takes effect at once, and you get a receipt.",
		Notice: &web.AccessNotice{Purpose: gateweb.OwnData}, Body: body,
	})
}

func (p *portal) limitsOf(ctx context.Context, who thimble.SubjectID) (b limitsBody, err error) {
	restricted, err := p.Restricted(ctx, who)
	if err != nil {
		return b, err
	}
	b.Rest = limitView{Title: "Keep it, and do not use it", Badge: on, Do: button("Stop every use", cases.Restrict, "", ""),
		Text: "Everything is kept as it is, and nothing of it is used: for as long as you dispute something, or need it yourself. You are taken out of the model that lists are made with."}
	if restricted {
		b.Rest.Badge, b.Rest.Do = off, button("Let it be used again", cases.Lift, "", "")
	}
	for _, o := range optOuts {
		ends, err := o.kind.Ends("")
		if err != nil {
			return b, err
		}
		v := limitView{Title: o.title, Text: o.text, Badge: off}
		if yes, err := p.refusesAll(ctx, who, ends); err != nil {
			return b, err
		} else if !yes {
			v.Badge, v.Do = on, button("Stop it", o.kind, "", o.title)
		} else if _, back := consent.AskOf(ends[0]); back && len(ends) == 1 {
			v.Back = &web.Action{Label: "Change it under My choices", Href: "/privacy/choices", About: o.title, Kind: "quiet"}
		}
		b.OptOuts = append(b.OptOuts, v)
	}
	for _, a := range slices.Concat(consent.Asked, consent.Elsewhere) {
		if a.Purpose == thimble.SensitiveBeyond {
			continue // above, by its own name
		}
		v := limitView{Title: a.Title, Text: a.Without, Badge: off, Back: &web.Action{Label: "Change it under My choices", Href: "/privacy/choices", About: a.Title, Kind: "quiet"}}
		if yes, err := p.Refuses(ctx, who, a.Purpose); err != nil {
			return b, err
		} else if !yes {
			v.Badge, v.Do, v.Back = on, button("Object", cases.Object, a.Purpose, "to: "+a.Title), nil
		}
		b.Uses = append(b.Uses, v)
	}
	return b, nil
}

func (p *portal) refusesAll(ctx context.Context, who thimble.SubjectID, all []thimble.Purpose) (bool, error) {
	for _, purpose := range all {
		if yes, err := p.Refuses(ctx, who, purpose); err != nil || !yes {
			return false, err
		}
	}
	return true, nil
}

// limit does at once what the person asks for.
func (p *portal) limit(w http.ResponseWriter, r *http.Request) {
	err := parse(w, r)
	a := casesdb.Asked{Subject: web.VisitorFrom(r.Context()).Subject, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson}
	if err == nil {
		a.Kind, a.Purpose = cases.Kind(r.PostForm.Get("kind")), thimble.Purpose(r.PostForm.Get("purpose"))
		err = limitable(a)
	}
	var c cases.Case
	if err == nil {
		c, err = p.Store.Open(r.Context(), a)
	}
	if err == nil && c.May(cases.Accepted) {
		c, err = p.Begin(r.Context(), c.ID, cases.ThePerson, "")
	}
	if err != nil && (c.ID.IsZero() || !errors.Is(err, thimble.ErrConflict)) {
		p.frame.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, PortalPath+"/"+token(c), http.StatusSeeOther)
}

// limitable refuses what is not on the page.
func limitable(a casesdb.Asked) error {
	ok := a.Purpose == "" && (a.Kind == cases.Restrict || a.Kind == cases.Lift)
	for _, o := range optOuts {
		ok = ok || a.Purpose == "" && a.Kind == o.kind
	}
	if a.Kind == cases.Object && signal.Ends(a.Purpose) {
		_, ok = consent.AskOf(a.Purpose)
	}
	if !ok {
		return web.FieldProblems{{Field: "kind", Detail: "expected one of the limits on the page"}}
	}
	return nil
}
