// Package decisionweb shows what machines decided about people, and why.
//
// It promises that a decision is opened through the gate only, and that the page
// adds the terms up itself instead of claiming that they add up.
package decisionweb
