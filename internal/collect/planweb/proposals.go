package planweb

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/plandb"
	"thimble/internal/collect/watchdb"
	"thimble/internal/web"
)

type proposalsBody struct{ Waiting, Later web.Table }

func proposalHref(id thimble.ID) string {
	return proposalsPath + "/" + id.Token(watchdb.ProposalPrefix)
}

// proposals lists what the plan does not know.
func (d *desk) proposals(w http.ResponseWriter, r *http.Request) {
	force := d.Plans.InForce().Compiled
	waiting, err := d.Figures.Proposals(r.Context(), force, false, 200)
	var later []watchdb.Proposal
	if err == nil {
		later, err = d.Figures.Proposals(r.Context(), force, true, 200)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	body := proposalsBody{Waiting: proposalTable("Waiting", waiting), Later: proposalTable("Put off", later)}
	body.Waiting.Empty = &web.Empty{Icon: "check", Title: "Nothing waits", Text: "Everything that came in the last thirty days is in the plan. What is not is dropped, and listed here until somebody decides."}
	body.Later.Empty = &web.Empty{Icon: "clock", Title: "Nothing was put off"}
	d.show(w, r, http.StatusOK, "plan_proposals.html", web.Page{Title: "Proposals", Lead: "Properties and events that came and are not in the plan. They are dropped until somebody decides. What one may be is guessed from its name and its values, which are not kept.",
		APICall: "GET /v1/collect/plan/proposals", Body: body})
}

func proposalTable(caption string, all []watchdb.Proposal) web.Table {
	t := web.Table{ID: strings.ToLower(strings.Fields(caption)[0]), Caption: caption, Columns: []web.Column{{Label: "What came"}, {Label: "May be"}, {Label: "Sure"}, {Label: "Type"}, {Label: "Times", Kind: web.NumberColumn}, {Label: "Last", Secondary: true}}}
	for _, p := range all {
		what := web.Cell{Value: p.Path()}
		if p.Name == "" {
			what.Sub = "an event"
		}
		may := web.Cell{Value: string(p.Category), Sub: p.Why}
		if p.Category == "" {
			may.Value = "nobody can tell"
		}
		t.Rows = append(t.Rows, web.Row{Href: proposalHref(p.ID), Cells: web.Cells(what, may, web.Meter{Share: p.Confidence}, p.Shape, p.N, p.Last)})
	}
	return t
}

type proposalBody struct {
	Says  web.Callout
	Facts []web.KeyValue
	Keep  *web.Form
	Drop  *web.Form
	Later *web.Form
}

// proposed returns the proposal of the address.
func (d *desk) proposed(r *http.Request) (watchdb.Proposal, error) {
	id, err := thimble.ParseID(watchdb.ProposalPrefix, r.PathValue("proposal"))
	if err != nil {
		return watchdb.Proposal{}, thimble.ErrNotFound
	}
	return d.Figures.Proposal(r.Context(), id)
}

// proposal asks what is to be done with one.
func (d *desk) proposal(w http.ResponseWriter, r *http.Request, status int, refused *web.Form) {
	p, err := d.proposed(r)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	body := proposalBody{Facts: []web.KeyValue{{Key: "May be", Value: proposalWord(p), Sub: p.Why}, {Key: "Type that came", Value: p.Shape}, {Key: "Times", Value: p.N}, {Key: "First", Value: p.First}, {Key: "Last", Value: p.Last}}}
	switch {
	case p.Rare():
		body.Says = web.Callout{Tone: web.Info, Title: "Few have sent it yet", Text: "Its key is public, so anybody can call something as they like. The name is shown, and can be planned, when ten devices in three networks have sent it. Whoever builds the pages knows it, and can write it into a draft now.",
			Action: &web.Action{Label: "Drafts", Href: draftsPath}}
	case p.Withheld():
		body.Says = web.Callout{Tone: web.Warn, Title: "The name may say something about a person", Text: "It is not shown, and cannot be planned. Have whoever sends it use a fixed name, and put what differs into the value."}
	case !d.May(r.Context(), "POST "+draftsPath):
		body.Says = web.Callout{Tone: web.Info, Title: "It waits to be decided", Text: "Whoever plans decides: your role may look."}
	default:
		body.Says = web.Callout{Tone: web.Info, Title: "It is dropped until somebody decides", Text: "What you choose goes into a draft of the plan, which is seen as a difference before it is in force."}
		body.forms(d.Plans.InForce().Plan, p, p.Later.After(d.Now()), refused)
	}
	d.show(w, r, status, "plan_proposal.html", web.Page{Title: p.Path(), Crumbs: []web.Crumb{{Label: "Proposals", Href: proposalsPath}, {Label: p.Path()}}, APICall: "GET /v1/collect/plan/proposals", Body: body})
}

func proposalWord(p watchdb.Proposal) string {
	if p.Category == "" {
		return "nobody can tell"
	}
	return string(p.Category) + ", " + doneWords[p.Transform]
}

func choice(name string) web.Field {
	return web.Field{Name: "choice", Kind: web.HiddenField, Value: name}
}

func (b *proposalBody) forms(force *plan.Plan, p watchdb.Proposal, later bool, refused *web.Form) {
	action := proposalHref(p.ID)
	keep := keepForm(force, p)
	if refused != nil {
		keep = *refused
	}
	b.Keep = &keep
	if p.Name != "" {
		b.Drop = &web.Form{ID: "drop", Action: action, Submit: "Drop it for good", Danger: true, Fields: []web.Field{choice("drop")}}
	}
	b.Later = &web.Form{ID: "later", Action: action, Submit: "Ask again in a week", Fields: []web.Field{choice("later")}}
	if later {
		b.Later.Submit = "Ask again now"
		b.Later.Fields = []web.Field{choice("now")}
	}
}

// keepForm is filled with what is proposed.
func keepForm(force *plan.Plan, p watchdb.Proposal) web.Form {
	f := web.Form{ID: "keep", Action: proposalHref(p.ID), Submit: "Keep it, in a draft"}
	if p.Name == "" {
		f.Legend = "Add the event"
		f.Fields = append([]web.Field{choice("keep"),
			{Name: "mode", Label: "A broken rule", Kind: web.RadioField, Options: modeOptions(), Value: string(plan.Omit)},
			{Name: "groups", Label: "Properties that it shares with others", Kind: web.ChecksField, Options: groupOptions(force)}}, useFields(force, "user.behavior.browsing_history", false)...)
		return f
	}
	f.Legend = "Keep the property"
	f.Fields = append([]web.Field{choice("keep")}, propertyFields(force)...)
	values := url.Values{"where": {"event:" + p.Event}, "path": {p.Within + p.Name}, "type": {string(p.Type())}, "transform": {string(p.Transform)}, "category": {string(p.Category)}, "purpose": suggested(force, p.Category)}
	f = f.Fill(values)
	for i := range f.Fields {
		q := &f.Fields[i]
		switch q.Name {
		case "path":
			q.Kind = web.HiddenField
			q.Value = p.Within + p.Name
		case "where":
			q.Options = slices.DeleteFunc(q.Options, func(o web.Option) bool { return o.Value != "event:"+p.Event && !groupFits(force, p, o.Value) })
		case "category":
			if p.Category != "" && !slices.ContainsFunc(q.Options, func(o web.Option) bool { return o.Value == string(p.Category) }) {
				q.Options = append(q.Options, web.Option{Value: string(p.Category), Label: string(p.Category) + ", which may only be dropped"})
			}
		}
	}
	return f
}

// groupFits reports whether a group stands at the place of a proposal: put there, the
// property is known wherever the group is used.
func groupFits(force *plan.Plan, p watchdb.Proposal, where string) bool {
	name, is := strings.CutPrefix(where, "group:")
	e := findEvent(force, p.Event)
	if !is || e == nil {
		return false
	}
	groups, own := e.Groups, e.Properties
	for step := range strings.SplitSeq(strings.TrimSuffix(p.Within, "."), ".") {
		if step = strings.TrimSuffix(step, "[]"); step == "" {
			continue
		}
		all := force.All(groups, own)
		i := slices.IndexFunc(all, func(q plan.Property) bool { return q.Name == step })
		if i < 0 {
			return false
		}
		groups, own = all[i].Groups, all[i].Properties
	}
	return slices.Contains(groups, name)
}

// decideProposal puts what was chosen into the draft of whoever chose it, or puts it off.
func (d *desk) decideProposal(w http.ResponseWriter, r *http.Request) {
	p, err := d.proposed(r)
	if err == nil {
		err = readForm(r)
	}
	if err == nil && p.Withheld() {
		err = thimble.ErrDenied
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	switch r.PostForm.Get("choice") {
	case "later", "now":
		until := d.Now().Add(7 * 24 * time.Hour)
		if r.PostForm.Get("choice") == "now" {
			until = time.Time{}
		}
		if err := d.Figures.Later(r.Context(), p.ID, until); err != nil {
			d.Fail(w, r, err)
			return
		}
		http.Redirect(w, r, proposalsPath, http.StatusSeeOther)
		return
	}
	id, err := d.into(r, p)
	if kindOfForm(err) {
		status, _, _ := web.Kind(err)
		form := keepForm(d.Plans.InForce().Plan, p).Fill(r.PostForm).Explain(problemsOf(err, "")...)
		d.proposal(w, r, status, &form)
		return
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, draftHref(id), http.StatusSeeOther)
}

// into puts a decision into the newest open draft of whoever decides, or a new one.
func (d *desk) into(r *http.Request, p watchdb.Proposal) (thimble.ID, error) {
	force, who := d.Plans.InForce(), staffOf(r)
	edit := func(t *plan.Text) error { return d.applied(t, r.PostForm, p) }
	all, err := d.Plans.Drafts(r.Context(), plandb.MaxOpen)
	if err != nil {
		return thimble.ID{}, err
	}
	for _, one := range all {
		if one.State == plandb.Waiting && one.Author == who && one.Base == force.Version {
			return one.ID, d.Plans.Edit(r.Context(), one.ID, one.Revision, edit)
		}
	}
	t, err := plan.EditText(force.Text)
	if err == nil {
		err = edit(t)
	}
	if err != nil {
		return thimble.ID{}, err
	}
	text, _, err := t.Done()
	if err != nil {
		return thimble.ID{}, err
	}
	return d.Plans.Start(r.Context(), force.Version, text, who, "proposals")
}

// applied puts a decision about a proposal into a text.
func (d *desk) applied(t *plan.Text, form url.Values, p watchdb.Proposal) error {
	if p.Name == "" {
		values := url.Values{"name": {p.Event}, "mode": form["mode"], "groups": form["groups"], "category": form["category"], "purpose": form["purpose"]}
		return addEvent(t, values)
	}
	values := url.Values{"where": {"event:" + p.Event}, "path": {p.Within + p.Name}, "type": form["type"], "transform": form["transform"], "category": form["category"], "purpose": form["purpose"]}
	if group := form.Get("where"); strings.HasPrefix(group, "group:") {
		values.Set("where", group)
		values.Set("path", p.Name)
	}
	if form.Has("required") {
		values.Set("required", "on")
	}
	if form.Get("choice") == "drop" {
		values.Set("type", string(p.Type()))
		values.Set("transform", string(plan.Drop))
		values.Del("category")
	}
	return putProperty(t, values)
}
