package inference

import rego.v1

# The rule that the server asks: OPA_URL=http://localhost:8181/v1/data/inference/allow
default allow := false

# Roles as credentials bring them, and those that are given here by name.
roles contains role if some role in input.roles

roles contains role if some role in users[input.user]

users := {
	"ci": ["analyst"],
	"ops@example.org": ["operator"],
}

# Admins may do everything.
allow if "admin" in roles

# Operators load and unload models, and look at everything.
allow if {
	"operator" in roles
	input.action in {"model-repository", "model-config", "metadata", "statistics", "health"}
}

# Analysts use some models, and look at all of them.
allow if {
	"analyst" in roles
	input.action in {"metadata", "health"}
}

allow if {
	"analyst" in roles
	input.action == "inference"
	some pattern in ["iris", "digit*"]
	glob.match(pattern, [], input.model)
}

# An open stream names no model yet: each of its messages is asked about by itself.
allow if {
	"analyst" in roles
	input.action == "inference"
	input.model == ""
}
