// Package registrytest is the suite that every model passes which says that it can
// forget: what registry.Forgetter promises, held against weights as they lie there.
package registrytest
