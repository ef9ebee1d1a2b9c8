package consentweb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/web"
)

// skew is how far the clock of a sender may be ahead.
const skew = 2 * time.Minute

// check names what the schema cannot say, and returns the choices.
func (d OperationDeps) check(b NewChoices, who thimble.SubjectID, notice consent.Notice) ([]consent.Choice, web.FieldProblems) {
	var all web.FieldProblems
	wrong := func(field, rule string) { all = append(all, web.FieldProblem{Field: field, Detail: rule}) }
	choices := make([]consent.Choice, len(b.Choices))
	type key struct {
		purpose thimble.Purpose
		scope   consent.Scope
	}
	seen := map[key]bool{}
	for i, c := range b.Choices {
		choice, problems := choiceOf(c, fmt.Sprintf("body.choices[%d]", i))
		all = append(all, problems...)
		if k := (key{choice.Purpose, choice.Scope}); seen[k] {
			wrong(fmt.Sprintf("body.choices[%d].purpose", i), "expected each purpose once for each scope: two answers to one question contradict each other, and neither was recorded")
		} else {
			seen[k] = true
		}
		choices[i] = choice
	}
	for i, step := range b.UI.ChoicePath {
		if !operationWord.MatchString(step) {
			wrong(fmt.Sprintf("body.ui.choice_path[%d]", i), "expected a lower-case word such as save")
		}
	}
	if b.Lang != notice.Lang {
		wrong("body.lang", "expected a language that there is a notice in: "+strings.Join(consent.Langs(), ", ")+"; a choice on a text in another language is none")
	}
	for _, lang := range consent.Langs() {
		if n, _, _, _ := consent.In(lang); b.Notice == n.Ref().SHA256 && b.Lang != lang {
			wrong("body.lang", "expected the language of the notice that is named: "+lang)
		}
	}
	if anyYes(choices) && b.Notice == "" {
		wrong("body.notice", "expected, with a yes, the sha256 of the notice that was shown: GET /v1/notice has it")
	}
	if b.ChosenAt.After(d.Now().Add(skew)) {
		wrong("body.chosen_at", "expected a time that is not in the future; leave it out, and the time of arrival counts")
	}
	if b.Incentive != nil {
		if err := consent.Incentive(*b.Incentive).Check(); err != nil {
			wrong("body.incentive", "expected an id of up to 32 of a-z, 0-9, - and _, the sha256 of the terms, an amount and an ISO 4217 code")
		}
	}
	if b.Guardian != nil {
		guardian, err := thimble.ParseSubjectID(b.Guardian.Subject)
		if err != nil || guardian == who {
			wrong("body.guardian.subject", "expected the token of another person")
		}
		if !b.Guardian.Until.IsZero() && !b.Guardian.Until.After(d.Now()) {
			wrong("body.guardian.until", "expected a time to come: from that day on the child decides for themselves")
		}
	}
	return choices, all
}

// noticeIn returns the notice in the language of a choice; in English, which [check]
// then complains of, when there is none.
func noticeIn(lang string) consent.Notice {
	if n, _, _, ok := consent.In(lang); ok && n.Lang == lang {
		return n
	}
	return consent.Current()
}

func anyYes(choices []consent.Choice) bool {
	return slices.ContainsFunc(choices, func(c consent.Choice) bool { return c.State.Permits() })
}

func choiceOf(c NewChoice, field string) (consent.Choice, web.FieldProblems) {
	var all web.FieldProblems
	choice := consent.Choice{Purpose: thimble.Purpose(c.Purpose), State: consent.State(c.State)}
	if err := choice.Check(); err != nil {
		all = append(all, web.FieldProblem{Field: field, Detail: "expected a purpose that is asked for, and given, refused, withdrawn or deferred"})
	}
	if c.Scope == nil {
		return choice, all
	}
	choice.Scope = consent.Scope(*c.Scope)
	if choice.Scope.Check() != nil {
		all = append(all, web.FieldProblem{Field: field + ".scope", Detail: "expected words of up to 32 of a-z, 0-9, - and _"})
	}
	// A choice about what no code obeys would be a promise that nobody keeps.
	ask, _ := consent.AskOf(choice.Purpose)
	features, signals := ask.Words()
	for _, part := range []struct {
		name, word string
		known      []string
	}{{"feature", choice.Scope.Feature, features}, {"signal", choice.Scope.Signal, signals}} {
		if part.word != "" && !slices.Contains(part.known, part.word) {
			all = append(all, web.FieldProblem{Field: field + ".scope." + part.name, Detail: "expected one that the notice names for the purpose: " + orNone(part.known)})
		}
	}
	return choice, all
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "there is none"
	}
	return strings.Join(words, ", ")
}

// checkNotice refuses a choice on another text than the one in force.
func checkNotice(ctx context.Context, s interface {
	Shown(ctx context.Context, notice string) (bool, error)
}, b NewChoices, notice consent.Notice) error {
	if b.Notice == "" || b.Notice == notice.Ref().SHA256 {
		return nil
	}
	shown, err := s.Shown(ctx, b.Notice)
	if err != nil {
		return err
	}
	if !shown {
		return web.FieldProblems{{Field: "body.notice", Detail: "expected the sha256 of a notice that was shown: no page has shown this one"}}
	}
	return fmt.Errorf("consent: the notice has changed: %w", thimble.ErrConflict)
}
