package rules

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/staff"
)

//go:embed policies/*.cedar
var shipped embed.FS

//go:embed schema.cedarschema
var schemaText []byte

// A Set is policies that were read and found good. It is safe for concurrent use.
type Set struct {
	world    world
	byKey    map[key][]*rule // what could matter
	policies []Policy
	answers  answers
}

// A rule is one policy, compiled.
type rule struct {
	id     cedar.PolicyID
	policy *cedar.Policy
	why    string // of one that forbids
}

// A key is what a policy says of whom and what it is for, in its head.
type key struct {
	action Action
	role   staff.Role // "" is anybody
	of     string     // a category or a page with all below it; "" is all
}

// A Policy is one policy as people read it.
type Policy struct {
	ID     string
	File   string
	Line   int
	Permit bool
	Why    string // in plain words, of one that forbids
	Text   string
}

// Shipped returns the policies that come with Thimble.
func Shipped() (*Set, error) { return Load(ShippedFolder()) }

// ShippedFolder returns their files, to be read beside others.
func ShippedFolder() fs.FS {
	sub, err := fs.Sub(shipped, "policies")
	if err != nil {
		panic(err) // the folder is embedded under this name
	}
	return sub
}

// Load reads the policies of all *.cedar files of the folders, and refuses all of them
// when one is broken: half of the rules is other rules. The error is of kind
// thimble.ErrInvalid and names each file and line.
func Load(folders ...fs.FS) (*Set, error) {
	checker, err := newChecker()
	if err != nil {
		return nil, err
	}
	s := &Set{world: newWorld(), byKey: map[key][]*rule{}}
	var faults []error
	seen := map[string]string{}
	for _, folder := range folders {
		files, err := fs.Glob(folder, "*.cedar")
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := fs.ReadFile(folder, file)
			if err != nil {
				return nil, fmt.Errorf("rules: reading %s: %w: %w", path.Base(file), err, thimble.ErrInvalid)
			}
			faults = append(faults, s.add(checker, path.Base(file), text, seen)...)
		}
	}
	if len(s.policies) == 0 {
		faults = append(faults, errors.New("no policy was found"))
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("rules: %w: %w", errors.Join(faults...), thimble.ErrInvalid)
	}
	return s, nil
}

// add reads one file.
func (s *Set) add(c *checker, file string, text []byte, seen map[string]string) (faults []error) {
	all, err := cedar.NewPolicyListFromBytes(file, text)
	if err != nil {
		return []error{errors.New(strings.ReplaceAll(err.Error(), "<input>", file))}
	}
	for _, p := range all {
		at := fmt.Sprintf("%s:%d", file, p.Position().Line)
		id := string(p.Annotations()["id"])
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...)))
		}
		switch {
		case id == "":
			fault("the annotation @id is missing")
			continue
		case seen[id] != "":
			fault("the @id %q is that of %s too", id, seen[id])
			continue
		}
		seen[id] = at
		scope, err := c.check(id, p)
		if err != nil {
			fault("%s: %s", id, err)
			continue
		}
		r := &rule{id: cedar.PolicyID(id), policy: p, why: string(p.Annotations()["why"])}
		for _, a := range scope.actions {
			k := key{a, scope.role, scope.of}
			s.byKey[k] = append(s.byKey[k], r)
		}
		s.policies = append(s.policies, Policy{ID: id, File: file, Line: p.Position().Line, Permit: p.Effect() == cedar.Permit, Why: r.why, Text: string(p.MarshalCedar())})
	}
	return faults
}

// Policies returns all policies, in the order in which they were read.
func (s *Set) Policies() []Policy { return slices.Clone(s.policies) }

// A checker holds policies against the schema, and against what exists.
type checker struct{ validator *validate.Validator }

func newChecker() (*checker, error) {
	var sc schema.Schema
	if err := sc.UnmarshalCedar(schemaText); err != nil {
		return nil, fmt.Errorf("rules: the schema: %w", err)
	}
	resolved, err := sc.Resolve()
	if err != nil {
		return nil, fmt.Errorf("rules: the schema: %w", err)
	}
	return &checker{validate.New(resolved, validate.WithStrict())}, nil
}

// A scope is what a policy is found by.
type scope struct {
	actions []Action
	role    staff.Role // "" for anybody
	of      string     // "" for everything
}

// written is a policy in Cedar's JSON form, as far as it is read here.
type written struct {
	Principal head `json:"principal"`
	Resource  head `json:"resource"`
	Action    struct {
		Op       string   `json:"op"`
		Entity   *entity  `json:"entity"`
		Entities []entity `json:"entities"`
	} `json:"action"`
}

type head struct {
	Op     string  `json:"op"`
	Entity *entity `json:"entity"`
}

type entity struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func (c *checker) check(id string, p *cedar.Policy) (s scope, err error) {
	if err := c.validator.Policy(id, (*ast.Policy)(p.AST())); err != nil {
		return s, err
	}
	b, err := p.MarshalJSON()
	if err != nil {
		return s, err
	}
	var w written
	var all any
	if err := errors.Join(json.Unmarshal(b, &w), json.Unmarshal(b, &all)); err != nil {
		return s, err
	}
	if err := unknown(all); err != nil {
		return s, err
	}
	if w.Principal.Op == "in" && w.Principal.Entity != nil && w.Principal.Entity.Type == "Role" {
		s.role = staff.Role(w.Principal.Entity.ID)
	}
	if w.Resource.Entity != nil {
		s.of = w.Resource.Entity.ID
	}
	named := w.Action.Entities
	if w.Action.Entity != nil {
		named = append(named, *w.Action.Entity)
	}
	for _, a := range named {
		s.actions = append(s.actions, Action(a.ID))
	}
	if len(named) == 0 { // all actions
		s.actions = Actions()
	}
	return s, nil
}

// unknown finds an entity in a policy's JSON form that does not exist. The schema knows
// types; what there is of each is known here.
func unknown(v any) error {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if err := unknown(e); err != nil {
				return err
			}
		}
	case map[string]any:
		kind, isKind := v["type"].(string)
		id, isID := v["id"].(string)
		if isKind && isID && len(v) == 2 && !exists(kind, id) {
			return fmt.Errorf("there is no %s %q", strings.ToLower(kind), id)
		}
		for _, e := range v {
			if err := unknown(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func exists(kind, id string) bool {
	switch kind {
	case "Role":
		return slices.Contains(staff.Roles(), staff.Role(id))
	case "Action":
		return slices.Contains(Actions(), Action(id))
	case "Page":
		return slices.Contains(Pages(), Page(id))
	case "Purpose":
		_, ok := datamap.PurposeOf(thimble.Purpose(id))
		return ok
	case "Category":
		_, ok := datamap.CategoryOf(thimble.Category(id))
		return ok
	case "Account":
		return staff.CheckName(id) == nil
	}
	return false
}
