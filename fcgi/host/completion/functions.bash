# Completion of simpletuner-cloud(1) in bash. The tables above are made from those of the program.

# The command that the words before the cursor name, or nothing.
_simpletuner_cloud_command() {
	local word words=()

	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $word == -* || $word == = ]] || words+=("$word")
	done
	if [[ -v _simpletuner_cloud_options["${words[*]:0:2}"] && ${#words[@]} -ge 1 ]]; then
		echo "${words[*]:0:2}"
	elif [[ ${#words[@]} -ge 1 && -v _simpletuner_cloud_options["${words[0]}"] ]]; then
		echo "${words[0]}"
	fi
}

# What may come next of the commands' names.
_simpletuner_cloud_names() {
	local name prefix="${COMP_WORDS[*]:1:COMP_CWORD-1}"

	for name in "${!_simpletuner_cloud_options[@]}"; do
		if [[ -z $prefix ]]; then
			echo "${name%% *}"
		elif [[ $name == "$prefix "* ]]; then
			name=${name#"$prefix "}
			echo "${name%% *}"
		fi
	done | sort -u
}

# The newest jobs, of whoever may read the database.
_simpletuner_cloud_jobs() {
	simpletuner-cloud jobs list --limit 50 --json 2>/dev/null |
		grep -oE '"job_id": ?"[0-9a-z]+"' | sed 's/.*"\([0-9a-z]*\)"$/\1/'
}

_simpletuner_cloud() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command
	local choices=''

	command=$(_simpletuner_cloud_command)
	if [[ $before == = ]]; then
		before=${COMP_WORDS[COMP_CWORD-2]}
	fi
	[[ $word != = ]] || word=''
	if [[ $before == --task ]]; then
		choices=$_simpletuner_cloud_tasks
	elif [[ $before == --* && " ${_simpletuner_cloud_options[${command:-none}]} " == *" $before= "* ]]; then
		compopt -o default # a value: a file, or nothing we know
	elif [[ -z $command ]]; then
		choices=$(_simpletuner_cloud_names)
		[[ $word != -* ]] || choices='--help --version'
	elif [[ $word == -* ]]; then
		choices=${_simpletuner_cloud_options[$command]}
	elif [[ $command == jobs\ * && -v _simpletuner_cloud_operands[$command] ]]; then
		choices=$(_simpletuner_cloud_jobs)
	elif [[ ${_simpletuner_cloud_operands[$command]} == *FILE* ]]; then
		compopt -o default
	fi
	mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
	[[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace
}
complete -F _simpletuner_cloud simpletuner-cloud
