package decision

// A Kind is what sort of thing a decision is about.
type Kind string

// The kinds. An order is somebody's; a route and a price are nobody's.
const (
	Person Kind = "person"
	Order  Kind = "order"
	Route  Kind = "route"
	Price  Kind = "price"
)

// About is the thing a decision is about, when that is not the subject.
type About struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"` // the order's, the route's, the product's
}

// Impersonal reports whether the decision concerns nobody: it is about a route, or a
// price that is the same for all. It is then sealed by the installation's own key.
func (r Record) Impersonal() bool {
	return r.About != nil && (r.About.Kind == Route || r.About.Kind == Price) && r.Subject.IsZero()
}

// Kind returns what the decision is about.
func (r Record) Kind() Kind {
	if r.About == nil {
		return Person
	}
	return r.About.Kind
}

func (a *About) check() error {
	if a == nil {
		return nil
	}
	switch a.Kind {
	case Order, Route, Price:
	case Person:
		return invalid("about.kind: a person is named by the subject alone")
	default:
		return invalid("about.kind: order, route or price was expected")
	}
	if a.ID == "" || len(a.ID) > maxName {
		return invalid("about.id: between 1 and %d bytes were expected", maxName)
	}
	return nil
}

// A Propensity is how likely the choice was when the decision drew lots, in parts of
// Of; nil when it did not.
type Propensity struct {
	Parts int64 `json:"parts"`
	Of    int64 `json:"of"`
}

// A Human says what part a person had in the decision before it took effect.
type Human struct {
	Part string `json:"part"` // one of the parts below
	Role string `json:"role,omitempty"`
	By   string `json:"by,omitempty"` // of the staff: who set it off, or had that part
}

// The parts a person can have. A score that others lean on heavily is a decision by
// itself (CJEU C-634/21), so that it says so.
const (
	NoHuman   = "none"
	Advised   = "advised"   // a person decided, with this in front of them
	Confirmed = "confirmed" // a person looked and let it pass
)

func (h *Human) check() error {
	if h == nil || h.Part == NoHuman || h.Part == Advised || h.Part == Confirmed {
		return nil
	}
	return invalid("human.part: none, advised or confirmed was expected")
}

func (p *Propensity) check() error {
	if p == nil || p.Of > 0 && p.Of <= exact && p.Parts > 0 && p.Parts <= p.Of {
		return nil
	}
	return invalid("propensity: parts between 1 and of were expected")
}
