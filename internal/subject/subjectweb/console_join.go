package subjectweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"thimble"
	"thimble/internal/subject"
	"thimble/internal/web"
)

// A joinedView is one link, with the form that ends it.
type joinedView struct {
	Facts []web.KeyValue
	Part  web.Form
}

func joinForm(who thimble.SubjectID) web.Form {
	return web.Form{
		ID: "join", Action: consolePath + "/" + who.String() + "/join", Legend: "Join with another account", Submit: "Join the two accounts",
		Intro: "For one person with two accounts. Nothing is moved: both are read as one, and of two choices the stricter counts until the person decides again. " +
			"The link is recorded in the ledger, the person sees it with your name and reason, and either of you can undo it; then both accounts are as they were.",
		Fields: []web.Field{
			{Name: "account", Label: "The other account number", Required: true, Autocomplete: "off", MaxLength: 254, Short: true},
			{Name: "note", Label: "How you know that it is one person", Required: true, Autocomplete: "off", MaxLength: 500,
				Hint: "A shared device or address is not enough: families share them."},
		},
	}
}

func partForm(action, merge string) web.Form {
	return web.Form{
		ID: "part-" + merge, Action: action, Submit: "Part these accounts",
		Fields: []web.Field{{Name: "merge", Kind: web.HiddenField, Value: merge}},
	}
}

func consoleDone(code string) *web.Callout {
	switch code {
	case "joined":
		return &web.Callout{Tone: web.Good, Title: "Joined", Text: "The two accounts are one person from now on. What either of them refused stays refused until the person decides again."}
	case "parted":
		return &web.Callout{Tone: web.Good, Title: "Parted", Text: "The accounts are two people again, each as it was. What came in meanwhile is with the account it came by. Both are signed out everywhere."}
	}
	return nil
}

// joined opens the links of the person.
func (c *console) joined(ctx context.Context, g thimble.Grant) ([]joinedView, error) {
	return joinedViews(ctx, c.people, g, consolePath+"/"+g.Subject().String()+"/part")
}

func joinedViews(ctx context.Context, people Joiner, g thimble.Grant, action string) (views []joinedView, err error) {
	all, err := people.Merges(ctx, g.Subject())
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		r, _, err := m.Open(ctx, g)
		if err != nil {
			return nil, fmt.Errorf("subjectweb: a link of a person: %w", err)
		}
		v := joinedView{Part: partForm(action, r.Merge), Facts: []web.KeyValue{
			{Key: "Accounts", Value: web.ShortToken(m.Survivor) + " and " + web.ShortToken(m.Absorbed)},
			{Key: "Since", Value: m.At}, {Key: "Because", Value: groundWords(r.Ground)}, {Key: "Joined by", Value: r.By},
		}}
		if r.Note != "" {
			v.Facts = append(v.Facts, web.KeyValue{Key: "Reason given", Value: r.Note})
		}
		views = append(views, v)
	}
	return views, nil
}

func groundWords(g subject.Ground) string {
	words := map[subject.Ground]string{
		subject.ByStaff: "somebody of the shop compared the two", subject.ByDeclared: "the person said so",
		subject.ByAccount: "the shop’s system has them as one", subject.ByEmail: "both have one verified e-mail address", subject.ByPhone: "both have one verified phone number",
	}
	return words[g]
}

// related opens the person's parts in relations. Who the others are is theirs.
func (c *console) related(ctx context.Context, g thimble.Grant) (facts []web.KeyValue, err error) {
	for _, id := range g.Members() {
		all, err := c.people.Relations(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			plain, err := g.Open(ctx, r.Cell, r.Sealed)
			if err != nil {
				return nil, fmt.Errorf("subjectweb: a relation of a person: %w", err)
			}
			part, err := subject.ParsePart(plain)
			if err != nil {
				return nil, err
			}
			facts = append(facts, web.KeyValue{Key: part.As, Value: web.Token(r.Other.String()), Sub: "since " + web.Date(part.At)})
		}
	}
	return facts, nil
}

// reading opens the customer of the address for a change to their accounts, so that
// the change has a recorded use beside it.
func (c *console) reading(r *http.Request) (Reading, error) {
	if err := r.ParseForm(); err != nil {
		return Reading{}, fmt.Errorf("subjectweb: reading the form: %w", thimble.ErrInvalid)
	}
	id, err := thimble.ParseSubjectID(r.PathValue("subject"))
	if err != nil {
		return Reading{}, fmt.Errorf("subjectweb: the address names no customer: %w", thimble.ErrNotFound)
	}
	reading, err := c.reader.Read(r.Context(), web.VisitorFrom(r.Context()).Staff, id, thimble.SupportOperations, thimble.AccountIdentifier)
	if err == nil && reading.Grant == nil {
		err = fmt.Errorf("subjectweb: %s: %w", reading.Why, thimble.ErrDenied)
	}
	return reading, err
}

func (c *console) join(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	reading, err := c.reading(r)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	ctx, staff := r.Context(), web.VisitorFrom(r.Context()).Staff
	note := r.PostForm.Get("note")
	if note == "" {
		c.show(w, r, f, http.StatusUnprocessableEntity, view{problem: &web.FieldProblem{Field: "note", Detail: "Say in a few words how you know. The person will read it."}})
		return
	}
	other, err := c.whose(r, r.PostForm.Get("account"))
	if err == nil {
		_, err = c.people.Join(ctx, reading.Grant.Subject(), other, subject.Evidence{Ground: subject.ByStaff, By: "staff " + staff, Note: thimble.Hide(note)})
	}
	refusal, refused := errors.AsType[*subject.Refusal](err)
	problem := &web.FieldProblem{Field: "account"}
	switch {
	case err == nil:
		http.Redirect(w, r, consolePath+"/"+reading.Grant.Subject().String()+"?done=joined", http.StatusSeeOther)
		return
	case refused:
		problem.Detail = "Nothing was joined: " + refusal.Why + "."
	case errors.Is(err, thimble.ErrNotFound):
		problem.Detail = nobodys
	case errors.Is(err, thimble.ErrInvalid):
		problem.Detail = "Type the shop's own number of the other account, and a reason of at most 500 characters."
	default:
		f.Fail(w, r, err)
		return
	}
	c.show(w, r, f, http.StatusUnprocessableEntity, view{problem: problem})
}

func (c *console) part(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	reading, err := c.reading(r)
	if err == nil {
		err = partOwn(r, c.people, reading.Grant, "staff "+web.VisitorFrom(r.Context()).Staff)
	}
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, consolePath+"/"+r.PathValue("subject")+"?done=parted", http.StatusSeeOther)
}

// partOwn ends the link that a form names, if it is one of the grant's person. A
// link of somebody else is not found, like one that never was.
func partOwn(r *http.Request, people Joiner, g thimble.Grant, by string) error {
	id, err := thimble.ParseID(subject.MergePrefix, r.PostForm.Get("merge"))
	if err != nil {
		return fmt.Errorf("subjectweb: the form names no link: %w", thimble.ErrNotFound)
	}
	m, err := people.MergeOf(r.Context(), id)
	if err == nil && !slices.Contains(g.Members(), m.Survivor) {
		err = fmt.Errorf("subjectweb: the link is somebody else's: %w", thimble.ErrNotFound)
	}
	if err == nil {
		_, err = people.Part(r.Context(), id, by)
	}
	return err
}
