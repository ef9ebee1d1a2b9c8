// Package discloseweb shows who may get data and what was sent: to staff the recipients,
// their agreements and the outbox, to people who got what about them.
//
// It promises that no page of staff opens what a message holds about a person, but for the
// letters that stay here while there is no mail server, which are opened through the gate;
// and that a text that is no agreement is answered with the line and the rule.
package discloseweb
