package rules

import (
	"slices"
	"sync"

	"thimble"
	"thimble/internal/staff"
)

// A question is a request in a form that can be compared.
type question struct {
	account               string
	roles                 uint16
	action                Action
	purpose               thimble.Purpose
	category              thimble.Category
	page                  Page
	trained, fresh, glass bool
	people                int
}

// question reports false for a request with a role that there is not.
func (r Request) question() (q question, ok bool) {
	q = question{account: r.Account, action: r.Action, purpose: r.Purpose, category: r.Category, page: r.Page, trained: r.Trained, fresh: r.Fresh, glass: r.Glass, people: r.People}
	for _, role := range r.Roles {
		i := slices.Index(allRoles, role)
		if i < 0 {
			return q, false
		}
		q.roles |= 1 << i
	}
	return q, true
}

var allRoles = staff.Roles()

// answers remembers what was asked before: the policies do not change while a set is in
// use, and the same few questions come again with each page.
type answers struct {
	mu   sync.RWMutex
	kept map[question]Answer
}

// keptAnswers bounds the memory, to a few megabytes.
const keptAnswers = 1 << 13

func (m *answers) get(q question) (Answer, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	a, ok := m.kept[q]
	return a, ok
}

func (m *answers) keep(q question, a Answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil || len(m.kept) >= keptAnswers {
		m.kept = make(map[question]Answer, 64)
	}
	m.kept[q] = a
}
