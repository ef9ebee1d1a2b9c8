package rules

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/staff"
)

// A naive evaluator of the part of Cedar that policies are written in here. It reads their
// JSON form, knows no index and shares no code with the set: it looks at every policy, and
// every condition of it, each time.
type naive struct{ policies []map[string]any }

func newNaive(t testing.TB, s *Set) naive {
	t.Helper()
	var n naive
	for _, p := range s.policies {
		all, err := cedar.NewPolicyListFromBytes(p.File, []byte(p.Text))
		if err != nil || len(all) != 1 {
			t.Fatal(p.ID, err)
		}
		b, err := all[0].MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		n.policies = append(n.policies, m)
	}
	return n
}

func (n naive) allows(r Request) bool {
	permitted := false
	for _, p := range n.policies {
		if !scopeFits(p["principal"], "Account::"+r.Account, r) || !scopeFits(p["action"], "Action::"+string(r.Action), r) || !scopeFits(p["resource"], resourceOf(r), r) {
			continue
		}
		holds := true
		conditions, _ := p["conditions"].([]any)
		for _, c := range conditions {
			cond := c.(map[string]any)
			if eval(cond["body"], r).(bool) != (cond["kind"] == "when") {
				holds = false
			}
		}
		switch {
		case holds && p["effect"] == "forbid":
			return false
		case holds:
			permitted = true
		}
	}
	return permitted
}

func resourceOf(r Request) string {
	if r.Action == OpenPage || r.Action == ChangePage {
		return "Page::" + string(r.Page)
	}
	return "Category::" + string(r.Category)
}

func scopeFits(v any, uid string, r Request) bool {
	s := v.(map[string]any)
	var named []any
	if e, ok := s["entity"]; ok {
		named = append(named, e)
	}
	if all, ok := s["entities"].([]any); ok {
		named = append(named, all...)
	}
	switch s["op"] {
	case "All":
		return true
	case "==":
		return uid == name(named[0])
	case "in":
		return slices.ContainsFunc(named, func(e any) bool { return within(uid, name(e), r) })
	}
	panic(fmt.Sprint("scope ", s["op"]))
}

func name(e any) string {
	m := e.(map[string]any)
	return m["type"].(string) + "::" + m["id"].(string)
}

// within reports whether one entity is another or below it.
func within(uid, above string, r Request) bool {
	if uid == above {
		return true
	}
	kind, id, _ := strings.Cut(uid, "::")
	aboveKind, aboveID, _ := strings.Cut(above, "::")
	switch kind {
	case "Account":
		return aboveKind == "Role" && slices.Contains(r.Roles, staff.Role(aboveID))
	case "Purpose", "Category": // the taxonomy's keys are paths
		return kind == aboveKind && strings.HasPrefix(id, aboveID+".")
	}
	return false
}

func eval(v any, r Request) any {
	m := v.(map[string]any)
	for op, arg := range m {
		switch op {
		case "Value":
			if e, ok := arg.(map[string]any); ok {
				return name(e["__entity"])
			}
			return arg
		case "Var":
			return map[string]string{"principal": "Account::" + r.Account, "resource": resourceOf(r), "context": "context"}[arg.(string)]
		case "Set":
			var all []any
			for _, e := range arg.([]any) {
				all = append(all, eval(e, r))
			}
			return all
		case ".":
			return map[string]any{"purpose": "Purpose::" + string(r.Purpose), "trained": r.Trained, "fresh": r.Fresh, "glass": r.Glass, "people": float64(r.People)}[arg.(map[string]any)["attr"].(string)]
		case "!":
			return !eval(arg.(map[string]any)["arg"], r).(bool)
		}
		sides, ok := arg.(map[string]any)
		if !ok {
			break
		}
		left, right := eval(sides["left"], r), func() any { return eval(sides["right"], r) }
		switch op {
		case "&&":
			return left.(bool) && right().(bool)
		case "||":
			return left.(bool) || right().(bool)
		case "==":
			return left == right()
		case ">=":
			return left.(float64) >= right().(float64)
		case "in":
			if all, ok := right().([]any); ok {
				return slices.ContainsFunc(all, func(e any) bool { return within(left.(string), e.(string), r) })
			}
			return within(left.(string), right().(string), r)
		}
	}
	panic(fmt.Sprint("expression ", m))
}

func random(rng *rand.Rand) Request {
	pick := func(all []datamap.Term) string { return all[rng.IntN(len(all))].Key }
	r := Request{
		Account: []string{"mara", "ivo", "eve"}[rng.IntN(3)], Action: Actions()[rng.IntN(len(Actions()))], Purpose: thimble.Purpose(pick(datamap.Purposes())),
		Category: thimble.Category(pick(datamap.Categories())), Page: Pages()[rng.IntN(len(Pages()))],
		Trained: rng.IntN(8) > 0, Fresh: rng.IntN(2) > 0, Glass: rng.IntN(4) == 0, People: rng.IntN(400),
	}
	// Purposes and categories that policies speak of come up often enough.
	if rng.IntN(2) == 0 {
		r.Purpose = []thimble.Purpose{thimble.SupportOperations, thimble.LegalObligation, thimble.EssentialService}[rng.IntN(3)]
	}
	if rng.IntN(2) == 0 {
		r.Category = []thimble.Category{thimble.PurchaseHistory, thimble.AccountIdentifier, thimble.Country, thimble.AccessRecord, thimble.AutomatedDecision}[rng.IntN(5)]
	}
	for _, role := range staff.Roles() {
		if rng.IntN(5) == 0 {
			r.Roles = append(r.Roles, role)
		}
	}
	return r
}

// However it is asked, the set says what the naive evaluator says: nothing is permitted
// without a policy that permits it, and nothing that a policy forbids.
func TestTheSetSaysWhatANaiveEvaluatorSays(t *testing.T) {
	const seed = 20261129
	n := 10_000
	if os.Getenv("THIMBLE_SOAK") != "" {
		n = 1_000_000
	}
	t.Logf("seed %d, %d requests", seed, n)
	s := shippedSet(t)
	other, rng, allowed := newNaive(t, s), rand.New(rand.NewPCG(seed, 1)), 0
	for range n {
		r := random(rng)
		got := s.Decide(r)
		if want := other.allows(r); got.Allowed != want {
			t.Fatalf("%+v: allowed %t by %v, the naive evaluator says %t", r, got.Allowed, got.Policies, want)
		}
		if got.Allowed {
			allowed++
			if len(got.Policies) == 0 {
				t.Fatalf("%+v: allowed by no policy", r)
			}
		} else if got.Why == "" {
			t.Fatalf("%+v: refused without a reason", r)
		}
	}
	if allowed < n/50 || allowed > n/2 {
		t.Errorf("%d of %d were allowed: the requests try too little", allowed, n)
	}
}

func shippedSet(t testing.TB) *Set {
	t.Helper()
	s, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return s
}
