from mmvis.zoo.cache import cache_folder as cache_folder
from mmvis.zoo.download import RemoteFile as RemoteFile
from mmvis.zoo.download import fetch_file as fetch_file
from mmvis.zoo.model_index import ZooModel as ZooModel
from mmvis.zoo.model_index import find_config as find_config
from mmvis.zoo.model_index import find_model as find_model
from mmvis.zoo.model_index import list_models as list_models
from mmvis.zoo.weights import fetch_weights as fetch_weights
