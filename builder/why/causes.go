package why

import "slices"

// A Cause is one kind of thing that is wrong with a container.
type Cause struct {
	ID    string
	Doc   string // one sentence: what is wrong
	Signs []Sign // what it looks like
	Sure  string // how sure it is, and when
	Do    string // what to do, where the judge has no fix of its own
	find  func(*Container) *Diagnosis
}

// A Sign is what a cause looks like on a platform.
type Sign struct{ On, Looks string }

// Causes returns all causes. Of those that are as certain as each other the first counts
// most: so those that keep a container from running come first, then those that keep its
// check from starting, then those of which the check itself speaks.
func Causes() []Cause {
	return []Cause{
		imagePull(), architecture(), outOfMemory(), cannotStart(), readOnly(), portTaken(), missingVariable(), appCrashed(), appEnded(), stopped(), paused(),
		waitsForDependency(), notPlaced(), cannotConfigure(),
		checkDisabled(), noCheck(), ignoredCheck(), podmanTimers(),
		noShell(), noProgram(), cannotExecute(), pidLimit(), checkVariable(), checkCommand(), noFile(),
		proxy(), dnsName(), certificate(), protocol(),
		notFound(), notAuthorized(), appReportsFailure(), otherStatus(), loadBalancer(),
		wrongPort(), otherAddress(), notReady(), refused(),
		cpuLimit(), appHangs(), shortTimeout(), timeout(),
		staleFile(), cannotPass(), flapping(), starting(), unlogged(),
	}
}

// explains reports whether one of the causes, which say more than the one that asks, is
// found, and is no mere possibility.
func (c *Container) explains(causes ...func() Cause) bool {
	return slices.ContainsFunc(causes, func(cause func() Cause) bool {
		d := cause().find(c)
		return d != nil && d.Certainty > Possible
	})
}

// refusedBy finds that the judge refuses a check by one of its rules.
func refusedBy(rules []string) func(*Container) *Diagnosis {
	return func(c *Container) *Diagnosis {
		message := c.finding(rules...)
		if message == "" || c.Health == Healthy || c.endedItself() {
			return nil
		}
		return &Diagnosis{Certainty: Certain, Verdict: "the check cannot pass: " + message, rules: rules}
	}
}

// Sources of signs.
const (
	onDocker     = "Docker, Podman"
	onECS        = "ECS"
	onKubernetes = "Kubernetes"
	anywhere     = "all"
)
