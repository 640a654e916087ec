package config

import "slices"

// checkBounces looks at where bounces come in: a worker could not start that wants
// one port twice.
func (w Worker) checkBounces(cs *complaints) {
	bounces, ok := port(w.Bounces)
	cs.want(ok || w.Bounces == "", "worker.bounces", "want an address such as :2525 or 127.0.0.1:2525")
	admin, _ := port(w.Admin)
	cs.want(!ok || bounces == 0 || bounces != admin, "worker.bounces", "want another port than that of worker.admin")
}

// takesBounces tells whether a provider's bounces come to a domain of otpipe's.
func (p Provider) takesBounces() bool { return p.Driver == "smtp" && p.SMTP.BounceDomain != "" }

func (c Config) takesBounces() bool { return slices.ContainsFunc(c.Providers, Provider.takesBounces) }
