// Stands for a node that cannot start.
throw new Error('this program never works');
