package policy

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

var memberState = regexp.MustCompile(`^eu\.gdpr\.[a-z]{2}$`)

// TestTheManualListsEveryPack holds docs/policy.md against the packs, so that the
// marks it counts are the marks there are.
func TestTheManualListsEveryPack(t *testing.T) {
	manual := string(readFile(t, "../../docs/policy.md"))
	values, open := 0, 0
	list := library(t).List()
	for _, p := range list {
		values, open = values+p.Values, open+p.Unverified
		id, _, _ := strings.Cut(p.Ref, "@")
		from := p.From.String()
		if from == "" {
			from = "—"
		}
		row := fmt.Sprintf("| `%s` | %s | %s | %s | %d | %d |", id, p.Title, p.Status, from, p.Values, p.Unverified)
		if !memberState.MatchString(id) && !strings.Contains(manual, row) {
			t.Errorf("the manual lacks %s", row)
		}
	}
	if total := fmt.Sprintf("%d packs with %d values, inherited ones counted where they apply; %d of them", len(list), values, open); !strings.Contains(manual, total) {
		t.Errorf("the manual does not say: %s", total)
	}
}

func TestTheManualsPackIsAPack(t *testing.T) {
	_, text, _ := strings.Cut(string(readFile(t, "../../docs/policy.md")), "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	p, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if ran, failed := p.Test(); ran != 1 || len(failed) > 0 {
		t.Errorf("%d examples, failed: %v", ran, failed)
	}
}
