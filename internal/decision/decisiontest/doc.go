// Package decisiontest makes decisions for tests: random ones that hold, and the
// measure of how hard a text is to read.
package decisiontest
